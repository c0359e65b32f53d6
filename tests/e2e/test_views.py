"""The views are an interface: VIEWS.md names each column that they have, and no other."""
import pathlib
import re
import sqlite3

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "schema"


def views():
    """{view: its columns}, of a database that all migrations have made."""
    database = sqlite3.connect(":memory:")
    for migration in sorted(SCHEMA.glob("*.sql")):
        database.executescript(migration.read_text())
    names = [name for name, in database.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'view' AND name LIKE 'v\\_%' ESCAPE '\\'")]
    return {name: {row[1] for row in database.execute(f"PRAGMA table_info({name})")} for name in names}


def documented():
    """{view: the columns that the page describes}"""
    found = {}
    for section in (SCHEMA / "VIEWS.md").read_text().split("\n## ")[1:]:
        if section.startswith("v_"):
            rows = re.findall(r"^\| ([a-z_, ]+) \|", section, re.MULTILINE)
            found[section.partition(":")[0]] = {name for row in rows for name in row.split(", ")} - {"column"}
    return found


def test_every_column_is_documented():
    assert documented() == views()
