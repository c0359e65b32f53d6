/* A client of a server on the loop, in the same process: the loop is turned while it waits. */
#ifndef SUPPRESSD_TESTS_DAEMON_CLIENT_H
#define SUPPRESSD_TESTS_DAEMON_CLIENT_H

#include "tests/run.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct event_base *base;
static char socket_path[128];

static inline int connect_client(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(address.sun_path, socket_path);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static inline void turn(void)
{
    const struct timeval pause = {.tv_usec = 2000};

    event_base_loopexit(base, &pause);
    event_base_dispatch(base);
}

static inline void give(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Runs the loop until what has come ends with this, and has nothing before it
 * when only is set; "END" stands for the connection's end. */
static inline void expect(int fd, const char *reply, int only)
{
    static char text[65536];
    size_t length = 0, wanted = strlen(reply);
    ssize_t n;

    for (int i = 0; i < 10000; i++) {
        while ((n = read(fd, text + length, sizeof(text) - 4 - length)) > 0)
            length += (size_t)n;
        if (!n)
            length += (size_t)sprintf(text + length, "END");
        text[length] = '\0';
        if (length >= wanted && !strcmp(text + length - wanted, reply) && (!only || length == wanted))
            return;
        ck_assert_msg(n != 0 && (!only || length < wanted), "\"%s\" instead of \"%s\"", text, reply);
        turn();
    }
    ck_abort_msg("no \"%s\" in: %s", reply, text);
}

/* Gives this again and again, until nobody takes it any more: the bytes. */
static inline size_t stuff(int fd, const char *filler, size_t max)
{
    size_t given = 0;

    for (int idle = 0; idle < 20; turn()) {
        ssize_t n = send(fd, filler, strlen(filler), MSG_NOSIGNAL);

        given += n > 0 ? (size_t)n : 0;
        idle = n > 0 ? 0 : idle + 1;
        ck_assert_uint_lt(given, max);
    }
    return given;
}

#endif
