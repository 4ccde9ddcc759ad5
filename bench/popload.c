/*
 * bench/popload.c - POP3 load: one client logs in, lists and downloads a maildrop.
 *
 *   popload HOST PORT USER PASSWORD MESSAGES WINDOW
 * Retrieves messages 1 to MESSAGES, WINDOW commands ahead of their answers (1: one by one). Prints
 * one line of JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/client.h"

static void
expect_ok(struct client *c, const char *what)
{
    const char *line = client_line(c);

    if (strncmp(line, "+OK", 3) != 0) {
        (void)fprintf(stderr, "popload: %s: %s\n", what, line);
        exit(1);
    }
}

/* A multi-line answer; the number of its lines. */
static long
read_lines(struct client *c, const char *what)
{
    long lines = 0;

    expect_ok(c, what);
    for (const char *line = client_line(c); strcmp(line, ".") != 0; line = client_line(c))
        lines++;
    return lines;
}

static long
listing(struct client *c, const char *command, double *seconds)
{
    double began = client_now();
    long lines;

    client_printf(c, "%s\r\n", command);
    lines = read_lines(c, command);
    *seconds = client_now() - began;
    return lines;
}

/* The dot that ends a message is looked for in blocks, as a quick client does. */
static void
retrieve(struct client *c, long messages, long window)
{
    long asked = 0;

    for (long done = 0; done < messages; done++) {
        while (asked < messages && asked < done + window)
            client_printf(c, "RETR %ld\r\n", ++asked);
        expect_ok(c, "RETR");
        client_skip_to_dot(c);
    }
}

int
main(int argc, char **argv)
{
    struct client *c;
    double began, login, list, uidl, retr;
    long messages, window, there;

    if (argc != 7) {
        (void)fprintf(stderr, "usage: popload HOST PORT USER PASSWORD MESSAGES WINDOW\n");
        return 2;
    }
    messages = strtol(argv[5], NULL, 10);
    window = strtol(argv[6], NULL, 10);
    began = client_now();
    c = client_open(argv[1], (int)strtol(argv[2], NULL, 10));
    expect_ok(c, "greeting");
    client_printf(c, "USER %s\r\n", argv[3]);
    expect_ok(c, "USER");
    client_printf(c, "PASS %s\r\n", argv[4]);
    expect_ok(c, "PASS");
    login = client_now() - began;
    there = listing(c, "LIST", &list);
    if (listing(c, "UIDL", &uidl) != there || there < messages) {
        (void)fprintf(stderr, "popload: %ld messages\n", there);
        return 1;
    }
    retr = client_now();
    retrieve(c, messages, window < 1 ? 1 : window);
    retr = client_now() - retr;
    client_printf(c, "QUIT\r\n");
    expect_ok(c, "QUIT");
    client_close(c);
    printf("{\"login_ms\": %.3f, \"list_ms\": %.3f, \"uidl_ms\": %.3f, \"retr_per_s\": %.0f}\n",
           login * 1e3, list * 1e3, uidl * 1e3, (double)messages / retr);
    return 0;
}
