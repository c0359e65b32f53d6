/* See privilege.h. */
#include "config.h"

#include "daemon/privilege.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct passwd *find(const char *user, struct error *error)
{
    const struct passwd *found;

    errno = 0;
    if (!(found = getpwnam(user)))
        (void)error_set(error, ERROR_INPUT, "user: there is no user '%s'%s%s; make one, or name another", user,
                        errno ? ": " : "", errno ? strerror(errno) : "");
    return found;
}

static int stays(const char *user)
{
    return geteuid() != 0 || !*user;
}

/* By descriptor: what is given away is the folder that this call made. */
static int give(const char *folder, const struct passwd *owner, mode_t mode)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), failed;

    if (fd < 0)
        return -1;
    failed = fchmod(fd, mode) || fchown(fd, owner->pw_uid, owner->pw_gid);
    close(fd);
    return failed ? -1 : 0;
}

int privilege_folder(const char *user, const char *path, mode_t mode, struct error *error)
{
    const struct passwd *owner;
    char *copy, *folder;
    int failed = 0;

    if (stays(user))
        return 0;
    if (!(owner = find(user, error)))
        return -1;
    folder = dirname(copy = xstrdup(path));
    if (mkdir(folder, 0700))
        failed = errno != EEXIST;
    else
        failed = give(folder, owner, mode);
    if (failed)
        (void)error_set(error, ERROR_ENVIRONMENT, "cannot make the folder %s: %s", folder, strerror(errno));
    free(copy);
    return failed ? -1 : 0;
}

/* Of all three kinds of ids none is left, and none can be had again. */
static int is_rid_of_root(const struct passwd *user)
{
    uid_t uid[3];
    gid_t gid[3];

    if (getresuid(&uid[0], &uid[1], &uid[2]) || getresgid(&gid[0], &gid[1], &gid[2]))
        return 0;
    for (int i = 0; i < 3; i++)
        if (uid[i] != user->pw_uid || gid[i] != user->pw_gid)
            return 0;
    return setuid(0) && seteuid(0) && setgroups(0, NULL);
}

static int become(const struct passwd *user, struct error *error)
{
    if (!user->pw_uid)
        return error_set(error, ERROR_INPUT, "user: '%s' is root; \"\" says that this is meant", user->pw_name);
    if (initgroups(user->pw_name, user->pw_gid) || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid))
        return error_set(error, ERROR_ENVIRONMENT, "cannot become user %s: %s", user->pw_name, strerror(errno));
    if (!is_rid_of_root(user))
        return error_set(error, ERROR_ENVIRONMENT, "user %s could become root again", user->pw_name);
    return 0;
}

int privilege_drop(const char *user, struct error *error)
{
    const struct passwd *found;

    if (!stays(user) && (!(found = find(user, error)) || become(found, error)))
        return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return error_set(error, ERROR_ENVIRONMENT, "no_new_privs: %s", strerror(errno));
    return 0;
}
