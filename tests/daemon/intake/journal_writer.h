/* Real journal files, written by systemd-journal-remote from its export format. */
#ifndef SUPPRESSD_TESTS_DAEMON_INTAKE_JOURNAL_WRITER_H
#define SUPPRESSD_TESTS_DAEMON_INTAKE_JOURNAL_WRITER_H

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define JOURNAL_WRITER "/usr/lib/systemd/systemd-journal-remote"
#define JOURNAL_START 1790000000

static char journal_folder[100];
static int journal_count; /* entries written; they are a second apart */

static inline int journal_writer_missing(void)
{
    return access(JOURNAL_WRITER, X_OK) != 0;
}

static inline FILE *journal_begin(void)
{
    char command[300];
    FILE *to;

    snprintf(command, sizeof(command), JOURNAL_WRITER " -o %s/system.journal - 2>/dev/null", journal_folder);
    ck_assert_ptr_nonnull(to = popen(command, "w"));
    return to;
}

static inline void journal_end(FILE *to)
{
    ck_assert_int_eq(pclose(to), 0);
}

/* fields: "NAME=VALUE\n" each; message: any bytes. */
static inline void journal_put(FILE *to, const char *fields, const char *message, size_t length)
{
    int64_t number = journal_count++;
    unsigned char size[8];

    for (int i = 0; i < 8; i++)
        size[i] = (unsigned char)((uint64_t)length >> (8 * i));
    fprintf(to, "__REALTIME_TIMESTAMP=%lld000000\n__MONOTONIC_TIMESTAMP=%lld000000\n"
            "_BOOT_ID=0123456789abcdef0123456789abcdef\n_HOSTNAME=mx1\n%sMESSAGE\n",
            JOURNAL_START + (long long)number, (long long)number, fields);
    fwrite(size, 1, sizeof(size), to);
    fwrite(message, 1, length, to);
    fputs("\n\n", to);
}

static inline void journal_write(const char *fields, const char *message)
{
    FILE *to = journal_begin();

    journal_put(to, fields, message, strlen(message));
    journal_end(to);
}

static inline int journal_is_there(void)
{
    char name[140];

    snprintf(name, sizeof(name), "%s/system.journal", journal_folder);
    return !access(name, F_OK);
}

/* As journald does it: the file gets another name, and a new one is begun. */
static inline void journal_rotate(int number)
{
    char from[140], to[140];

    snprintf(from, sizeof(from), "%s/system.journal", journal_folder);
    snprintf(to, sizeof(to), "%s/system@%d.journal", journal_folder, number);
    ck_assert_int_eq(rename(from, to), 0);
}

static inline void journal_vacuum(int number)
{
    char name[140];

    snprintf(name, sizeof(name), "%s/system@%d.journal", journal_folder, number);
    ck_assert_int_eq(unlink(name), 0);
}

#endif
