/* See postfix_socket.h. */
#include "config.h"

#include "ctl/postfix_socket.h"

#include "base/mem.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { GROUPS_MAX = 64 };

/* A user as the kernel sees him at a permission check. */
struct who {
    const char *name;
    uid_t uid;
    gid_t groups[GROUPS_MAX];
    int group_count;
};

/* The part of path below folder, or NULL if it is not there. */
static const char *below(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    while (length > 1 && folder[length - 1] == '/')
        length--;
    if (strncmp(path, folder, length) != 0 || path[length] != '/')
        return NULL;
    return path + length + strspn(path + length, "/");
}

/* Folders may be symbolic links (/var/run): path with its folder resolved. */
static char *resolve_folder(const char *path)
{
    char *copy = xstrdup(path);
    char *slash = strrchr(copy, '/');
    char *real, *result;

    if (slash == copy)
        return copy;
    *slash = '\0';
    real = realpath(copy, NULL);
    result = real ? xasprintf("%s/%s", real, slash + 1) : xstrdup(path);
    free(real);
    free(copy);
    return result;
}

static void name_unix(struct milter_place *place, const char *queue_directory)
{
    char *real_path = resolve_folder(place->path);
    char *real_queue = realpath(queue_directory, NULL);
    const char *rest = below(place->path, queue_directory);

    if (!rest && real_queue)
        rest = below(real_path, real_queue);
    place->in_queue = rest != NULL;
    place->reached = xasprintf("unix:%s", rest ? rest : place->path);
    free(real_queue);
    free(real_path);
}

static int read_unix(const char *path, const char *queue_directory, struct milter_place *place,
                     struct error *error)
{
    if (*path != '/')
        return error_set(error, ERROR_INPUT, "%s: the socket's path must begin with /", path);
    if (strpbrk(path, " \t\r\n,{}$"))
        return error_set(error, ERROR_INPUT, "%s: Postfix cannot name such a path", path);
    if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return error_set(error, ERROR_INPUT, "%s: too long for a socket", path);
    place->path = xstrdup(path);
    place->listens = xasprintf("unix:%s", path);
    name_unix(place, queue_directory);
    return 0;
}

/* Splits "port@host", "host:port" or "[host]:port"; both pieces to be freed. */
static int split_inet(const char *rest, char **host_r, char **port_r)
{
    const char *sign = strchr(rest, '@');
    size_t length;

    if (sign) {
        *port_r = xstrndup(rest, (size_t)(sign - rest));
        *host_r = xstrdup(sign + 1);
        return 0;
    }
    sign = strrchr(rest, ':');
    if (!sign)
        return -1;
    length = (size_t)(sign - rest);
    *port_r = xstrdup(sign + 1);
    *host_r = *rest == '[' && length > 2 ? xstrndup(rest + 1, length - 2) : xstrndup(rest, length);
    return 0;
}

static int port_valid(const char *port)
{
    char *end;
    long number = strtol(port, &end, 10);

    return *port >= '0' && *port <= '9' && !*end && number > 0 && number < 65536;
}

static int read_inet(const char *spec, const char *rest, struct milter_place *place,
                     struct error *error)
{
    char *host, *port;
    int ipv6, result = 0;

    if (split_inet(rest, &host, &port))
        return error_set(error, ERROR_INPUT, "%s: want inet:port@host", spec);
    if (!port_valid(port) || !*host || strpbrk(host, " \t\r\n,{}$@[]")) {
        result = error_set(error, ERROR_INPUT, "%s: want inet:port@host", spec);
    } else {
        ipv6 = strchr(host, ':') != NULL;
        place->listens = xasprintf("%s:%s@%s", ipv6 ? "inet6" : "inet", port, host);
        place->reached = xasprintf(ipv6 ? "inet:[%s]:%s" : "inet:%s:%s",
                                   strcmp(host, "0.0.0.0") ? host : "127.0.0.1", port);
    }
    free(host);
    free(port);
    return result;
}

int milter_place_read(const char *spec, const char *queue_directory, struct milter_place *place_r,
                      struct error *error)
{
    const char *rest = strchr(spec, ':');

    *place_r = (struct milter_place){0};
    if (*spec == '/')
        return read_unix(spec, queue_directory, place_r, error);
    if (rest && (!strncmp(spec, "unix:", 5) || !strncmp(spec, "local:", 6)))
        return read_unix(rest + 1, queue_directory, place_r, error);
    if (rest && (!strncmp(spec, "inet:", 5) || !strncmp(spec, "inet6:", 6)))
        return read_inet(spec, rest + 1, place_r, error);
    return error_set(error, ERROR_INPUT, "%s: want unix:/path or inet:port@host", spec);
}

void milter_place_clear(struct milter_place *place)
{
    free(place->listens);
    free(place->reached);
    free(place->path);
    *place = (struct milter_place){0};
}

int milter_place_listed(const struct milter_place *place, const char *list, struct span *item_r)
{
    char *rooted;
    int listed;

    if (list_find(list, place->reached, item_r))
        return 1;
    if (!place->in_queue)
        return 0;
    rooted = xasprintf("unix:/%s", place->reached + strlen("unix:"));
    listed = list_find(list, rooted, item_r) || list_find(list, place->listens, item_r);
    free(rooted);
    return listed;
}

static int who_is(const char *name, struct who *who_r)
{
    const struct passwd *entry = getpwnam(name);

    if (!entry)
        return -1;
    *who_r = (struct who){.name = name, .uid = entry->pw_uid, .group_count = GROUPS_MAX};
    if (getgrouplist(name, entry->pw_gid, who_r->groups, &who_r->group_count) < 0)
        who_r->group_count = GROUPS_MAX;
    return 0;
}

/* The kernel's rule: the first class that fits decides, even if a later one gives more. */
static int may(const struct who *who, const struct stat *file, mode_t bit)
{
    int i;

    if (who->uid == 0)
        return 1;
    if (who->uid == file->st_uid)
        return (file->st_mode & (bit << 6)) != 0;
    for (i = 0; i < who->group_count; i++)
        if (who->groups[i] == file->st_gid)
            return (file->st_mode & (bit << 3)) != 0;
    return (file->st_mode & bit) != 0;
}

static void describe(const struct stat *file, char *text, size_t size)
{
    const struct passwd *user = getpwuid(file->st_uid);
    const struct group *group = getgrgid(file->st_gid);

    snprintf(text, size, "%04o %s:%s", (unsigned)(file->st_mode & 07777),
             user ? user->pw_name : "?", group ? group->gr_name : "?");
}

/* Every folder of path from the length-th byte on must let the user pass. 1 if all do. */
static int inspect_folders(const char *path, size_t from, const struct who *who,
                           struct findings *findings)
{
    char mode[128], *folder;
    struct stat file;
    size_t i;
    int passed = 1;

    for (i = from; passed && path[i]; i++) {
        if (path[i] != '/' || !path[i + 1])
            continue;
        folder = i ? xstrndup(path, i) : xstrdup("/");
        if (stat(folder, &file)) {
            findings_add(findings, FINDING_WARNING, "%s: %s", folder, strerror(errno));
            passed = 0;
        } else if (!may(who, &file, 1)) {
            describe(&file, mode, sizeof(mode));
            findings_add(findings, FINDING_WARNING,
                         "%s is %s: %s cannot enter it (chgrp %s %s && chmod 2710 %s)", folder,
                         mode, who->name, who->name, folder, folder);
            passed = 0;
        }
        free(folder);
    }
    return passed;
}

static void inspect_socket(const char *path, const struct who *who, struct findings *findings)
{
    char mode[128];
    struct stat file;

    if (stat(path, &file)) {
        findings_add(findings, FINDING_WARNING,
                     "%s: %s (start suppressd; until then mail passes without it)", path,
                     strerror(errno));
        return;
    }
    describe(&file, mode, sizeof(mode));
    if (!S_ISSOCK(file.st_mode))
        findings_add(findings, FINDING_WARNING, "%s is no socket", path);
    else if (!may(who, &file, 2))
        findings_add(findings, FINDING_WARNING,
                     "%s is %s: %s cannot connect (in suppressd.conf: milter_socket_mode, "
                     "milter_socket_group)",
                     path, mode, who->name);
}

void milter_place_inspect(const struct milter_place *place, const struct postfix *postfix,
                          struct findings *findings)
{
    const char *queue = postfix->values[POSTFIX_QUEUE_DIRECTORY].expanded;
    int smtpd = postfix_chrooted(postfix, "smtpd"), cleanup = postfix_chrooted(postfix, "cleanup");
    size_t from = 0;
    struct who who;

    if (!place->path) {
        findings_add(findings, FINDING_WARNING,
                     "any program of this host can connect to %s and pass for the MTA: prefer a unix "
                     "socket",
                     place->reached);
        return;
    }
    if (!place->in_queue && (smtpd || cleanup)) {
        findings_add(findings, FINDING_BLOCK,
                     "%s run%s chrooted in %s and cannot see %s: in suppressd.conf set "
                     "milter_socket = \"unix:%s/suppressd/milter.sock\"",
                     smtpd && cleanup ? "smtpd and cleanup" : smtpd ? "smtpd" : "cleanup",
                     smtpd && cleanup ? "" : "s", queue, place->path, queue);
        return;
    }
    if (who_is(postfix->values[POSTFIX_MAIL_OWNER].expanded, &who)) {
        findings_add(findings, FINDING_WARNING, "there is no user %s (mail_owner)",
                     postfix->values[POSTFIX_MAIL_OWNER].expanded);
        return;
    }
    /* Postfix starts from its queue directory: what is above needs no permission. */
    if (place->in_queue && below(place->path, queue))
        from = strlen(queue);
    if (inspect_folders(place->path, from, &who, findings))
        inspect_socket(place->path, &who, findings);
}
