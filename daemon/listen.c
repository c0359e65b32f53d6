/* See listen.h. */
#include "config.h"

#include "daemon/listen.h"

#include "base/mem.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int listen_give(const struct listen_spec *spec, const char *path, struct error *error)
{
    struct group *group;

    if (chmod(path, (mode_t)spec->mode))
        return error_set(error, ERROR_ENVIRONMENT, "%s_mode: %s: %s", spec->option, path, strerror(errno));
    if (!*spec->group)
        return 0;
    if (!(group = getgrnam(spec->group)))
        return error_set(error, ERROR_INPUT, "%s_group: there is no group '%s'", spec->option, spec->group);
    if (chown(path, (uid_t)-1, group->gr_gid))
        return error_set(error, ERROR_ENVIRONMENT, "%s_group: %s: %s", spec->option, path, strerror(errno));
    return 0;
}

static int fail(int fd, struct error *error, const char *place, const char *why)
{
    if (fd >= 0)
        close(fd);
    return error_set(error, ERROR_ENVIRONMENT, "%s: %s", place, why);
}

static int bind_unix(const struct listen_spec *spec, const char *path, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), failed;
    mode_t mask;

    if (fd < 0)
        return fail(fd, error, path, strerror(errno));
    if (strlen(path) >= sizeof(address.sun_path))
        return fail(fd, error, path, "too long for a socket");
    strcpy(address.sun_path, path);
    if (!connect(fd, (struct sockaddr *)&address, sizeof(address)) || errno == EAGAIN)
        return fail(fd, error, path, "another suppressd answers there");
    if (unlink(path) && errno != ENOENT)
        return fail(fd, error, path, strerror(errno));
    mask = umask(0777);
    failed = bind(fd, (struct sockaddr *)&address, sizeof(address));
    umask(mask);
    if (failed)
        return fail(fd, error, path, strerror(errno));
    if (!listen_give(spec, path, error))
        return fd;
    close(fd);
    unlink(path);
    return -1;
}

static int bind_found(const struct addrinfo *found)
{
    int fd = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, found->ai_protocol);
    const int yes = 1;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (!bind(fd, found->ai_addr, found->ai_addrlen))
        return fd;
    close(fd);
    return -1;
}

/* PORT@HOST, as libmilter writes it; HOST may stand in square brackets. */
static int bind_inet(const char *place, int family, struct error *error)
{
    const struct addrinfo hints = {
        .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    const char *at = strchr(place, '@'), *host = at ? at + 1 : "";
    char *port = xstrndup(place, at ? (size_t)(at - place) : strlen(place)), *name = NULL;
    struct addrinfo *found = NULL;
    int problem, fd = -1;

    if (*host == '[' && host[strlen(host) - 1] == ']')
        name = xstrndup(host + 1, strlen(host) - 2);
    else if (*host)
        name = xstrdup(host);
    errno = 0;
    problem = getaddrinfo(name, port, &hints, &found);
    if (!problem)
        fd = bind_found(found);
    if (fd < 0)
        (void)error_set(error, ERROR_ENVIRONMENT, "%s: %s", place, problem ? gai_strerror(problem) : strerror(errno));
    if (found)
        freeaddrinfo(found);
    free(port);
    free(name);
    return fd;
}

int listen_bind(const struct listen_spec *spec, char **path_r, struct error *error)
{
    const char *place = spec->place;
    int fd;

    *path_r = NULL;
    if (!strncmp(place, "unix:", 5)) {
        if ((fd = bind_unix(spec, place + 5, error)) >= 0)
            *path_r = xstrdup(place + 5);
    } else if (!strncmp(place, "inet:", 5)) {
        fd = bind_inet(place + 5, AF_INET, error);
    } else if (!strncmp(place, "inet6:", 6)) {
        fd = bind_inet(place + 6, AF_INET6, error);
    } else {
        fd = error_set(error, ERROR_INPUT, "'%s' is none of unix:PATH, inet:PORT@HOST, inet6:PORT@HOST", place);
    }
    return fd < 0 ? error_prefix(error, "%s", spec->option) : fd;
}
