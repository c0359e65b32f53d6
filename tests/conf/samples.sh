#!/bin/sh
# What is installed as an example works: the sample settings, the local rules.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The sample has every setting commented out; in force, each must be good and its default.
mkdir "$folder/rules.d"
{ sed -n 's/^#\([a-z_]* = \)/\1/p' conf/suppressd.conf
  echo "local_rules_dir = \"$folder/rules.d\""; } >"$folder/all.conf"
echo "local_rules_dir = \"$folder/rules.d\"" >"$folder/none.conf"
./suppressd -c "$folder/all.conf" --check
./suppressd -c "$folder/all.conf" --dump >"$folder/all"
./suppressd -c "$folder/none.conf" --dump >"$folder/none"
cmp "$folder/all" "$folder/none"

without=$(./suppressd -c "$folder/none.conf" --check)
cp "${srcdir:-.}/conf/local.rules.example" "$folder/rules.d/local.rules"
with=$(./suppressd -c "$folder/none.conf" --check)
[ "$with" != "$without" ] || { echo "the example rules were not read"; exit 1; }
reason=$(echo '550 5.1.2 Mail for the branch office has ceased' |
    ./suppressctl -c "$folder/none.conf" classify)
case $reason in
*'"local-example-closed-branch"'*) echo "$reason" ;;
*) echo "not the local rule: $reason"; exit 1 ;;
esac
