/* Runs another program and takes what it prints: an argument vector, never a
 * shell, so that no value from a configuration file is ever read as a command.
 *
 * Blocks until the program ends. Any thread.
 */
#ifndef SUPPRESSD_CTL_RUN_H
#define SUPPRESSD_CTL_RUN_H

#include "base/error.h"

enum { RUN_OUTPUT_MAX = 1 << 20 }; /* bytes; a program that prints more is an error */

/* Runs argv[0] (looked up in PATH, then /usr/sbin, /usr/local/sbin) and gives
 * its standard output, NUL-terminated, to be freed. It fails when the program
 * cannot start, ends with another status than 0, prints a NUL byte or too much;
 * the error then carries the last line the program put on stderr.
 */
int run_output(const char *const argv[], char **output_r, struct error *error) must_check;

#endif
