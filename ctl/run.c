/* See run.h. */
#include "config.h"

#include "ctl/run.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* One end of a child's output: the text so far. */
struct stream {
    int fd; /* -1: at its end */
    char *text;
    size_t length, max;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* One read. A program that prints more than max is not listened to any longer:
 * the end of the pipe stops it. One byte too many is kept, to tell. */
static void stream_read(struct stream *stream)
{
    char piece[4096];
    ssize_t got = read(stream->fd, piece, sizeof(piece));
    size_t room = stream->max + 1 - stream->length;

    if (got < 0 && errno == EINTR)
        return;
    if (got <= 0) {
        close_fd(&stream->fd);
        return;
    }
    if ((size_t)got > room)
        got = (ssize_t)room;
    stream->text = xrealloc(stream->text, stream->length + (size_t)got + 1);
    memcpy(stream->text + stream->length, piece, (size_t)got);
    stream->length += (size_t)got;
    stream->text[stream->length] = '\0';
    if (stream->length > stream->max)
        close_fd(&stream->fd);
}

static void streams_drain(struct stream streams[2])
{
    struct pollfd polled[2];
    int i;

    while (streams[0].fd >= 0 || streams[1].fd >= 0) {
        for (i = 0; i < 2; i++)
            polled[i] = (struct pollfd){.fd = streams[i].fd, .events = POLLIN};
        if (poll(polled, 2, -1) < 0 && errno != EINTR)
            return;
        for (i = 0; i < 2; i++)
            if (streams[i].fd >= 0 && polled[i].revents)
                stream_read(&streams[i]);
    }
}

/* Postfix's own tools live in sbin, which an operator's PATH may lack. */
static int spawn_somewhere(pid_t *pid, const char *const argv[],
                           const posix_spawn_file_actions_t *actions)
{
    static const char *const folders[] = {"/usr/sbin", "/usr/local/sbin"};
    char *const *arguments = (char *const *)(const void *)argv;
    int code = posix_spawnp(pid, argv[0], actions, NULL, arguments, environ);
    size_t i;

    for (i = 0; code == ENOENT && !strchr(argv[0], '/') && i < 2; i++) {
        char *path = xasprintf("%s/%s", folders[i], argv[0]);
        code = posix_spawn(pid, path, actions, NULL, arguments, environ);
        free(path);
    }
    return code;
}

static int start(const char *const argv[], struct stream streams[2], pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    int out[2] = {-1, -1}, err[2] = {-1, -1};
    int code;

    if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC)) {
        code = errno;
        close_fd(&out[0]);
        close_fd(&out[1]);
        return code;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    code = spawn_somewhere(pid, argv, &actions);
    posix_spawn_file_actions_destroy(&actions);
    close_fd(&out[1]);
    close_fd(&err[1]);
    streams[0].fd = out[0];
    streams[1].fd = err[0];
    return code;
}

static const char *last_line(char *text)
{
    size_t length = strlen(text);
    char *newline;

    while (length && text[length - 1] == '\n')
        text[--length] = '\0';
    newline = strrchr(text, '\n');
    return newline ? newline + 1 : text;
}

static int judge(const char *name, int status, struct stream streams[2], struct error *error)
{
    if (streams[0].length > streams[0].max || streams[1].length > streams[1].max)
        return error_set(error, ERROR_ENVIRONMENT, "%s printed too much", name);
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        return error_set(error, ERROR_ENVIRONMENT, "%s failed: %s", name,
                         *streams[1].text ? last_line(streams[1].text) : "no reason given");
    if (strlen(streams[0].text) != streams[0].length)
        return error_set(error, ERROR_ENVIRONMENT, "%s printed a NUL byte", name);
    return 0;
}

int run_output(const char *const argv[], char **output_r, struct error *error)
{
    struct stream streams[2] = {{.fd = -1, .text = xstrdup(""), .max = RUN_OUTPUT_MAX},
                                {.fd = -1, .text = xstrdup(""), .max = 65536}};
    pid_t pid = -1;
    int status = -1, result;
    int code = start(argv, streams, &pid);

    if (code) {
        result = error_set(error, ERROR_ENVIRONMENT, "cannot run %s: %s", argv[0], strerror(code));
    } else {
        streams_drain(streams);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        result = judge(argv[0], status, streams, error);
    }
    close_fd(&streams[0].fd);
    close_fd(&streams[1].fd);
    if (!result) {
        *output_r = streams[0].text;
        streams[0].text = NULL;
    }
    free(streams[0].text);
    free(streams[1].text);
    return result;
}
