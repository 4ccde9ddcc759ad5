/*
 * bench/imapload.c - IMAP load: N clients (threads) run M sessions in all.
 *
 *   imapload HOST PORT CLIENTS SESSIONS USERS PASSWORD MODE DOMAIN
 * MODE: login (connect, LOGIN, LOGOUT), tls-login (STARTTLS first), mix (the session of
 * bench/RESULTS.md), idle (opens SESSIONS TLS connections, each with INBOX selected and in IDLE,
 * prints "ready" and holds them until stdin ends). Prints one line of JSON.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/client.h"

struct load {
    const char *host, *mode, *password, *domain;
    int port, users;
    long sessions;
    double *latency;
    atomic_long next, commands;
};

/* Sends one command and reads to its tagged answer; literals in responses are skipped. Returns the
 * number after EXISTS if one came, else 0. */
static long
command(struct load *l, struct client *c, const char *text)
{
    long exists = 0;

    client_printf(c, "a %s\r\n", text);
    for (;;) {
        const char *line = client_line(c);
        const char *brace = strrchr(line, '{');
        long number;

        if (strncmp(line, "a ", 2) == 0) {
            if (strncmp(line, "a OK", 4) != 0) {
                (void)fprintf(stderr, "imapload: %s: %s\n", text, line);
                exit(1);
            }
            atomic_fetch_add(&l->commands, 1);
            return exists;
        }
        number = strncmp(line, "* ", 2) == 0 ? strtol(line + 2, NULL, 10) : 0;
        if (strstr(line, " EXISTS") != NULL)
            exists = number;
        if (brace != NULL && line[strlen(line) - 1] == '}')
            client_skip(c, (size_t)strtoul(brace + 1, NULL, 10));
    }
}

static void
append(struct load *l, struct client *c)
{
    static char message[4096];

    if (message[0] == '\0') {
        static const char line[] =
            "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed.\r\n";
        size_t at = (size_t)snprintf(message, sizeof(message),
                                     "Subject: appended\r\nFrom: <a@b.test>\r\n\r\n");

        while (at < sizeof(message)) {
            size_t part =
                sizeof(line) - 1 < sizeof(message) - at ? sizeof(line) - 1 : sizeof(message) - at;

            memcpy(message + at, line, part);
            at += part;
        }
    }
    client_printf(c, "a APPEND INBOX {%zu}\r\n", sizeof(message));
    while (client_line(c)[0] != '+')
        ;
    client_send(c, message, sizeof(message));
    client_send(c, "\r\n", 2);
    while (strncmp(client_line(c), "a ", 2) != 0)
        ;
    atomic_fetch_add(&l->commands, 1);
}

static struct client *
log_in(struct load *l, long number)
{
    struct client *c = client_open(l->host, l->port);
    char text[512];

    (void)client_line(c);
    if (strcmp(l->mode, "tls-login") == 0 || strcmp(l->mode, "idle") == 0) {
        client_printf(c, "a STARTTLS\r\n");
        while (strncmp(client_line(c), "a ", 2) != 0)
            ;
        client_start_tls(c);
    }
    (void)snprintf(text, sizeof(text), "LOGIN u%ld@%s %s", number % l->users, l->domain,
                   l->password);
    command(l, c, text);
    return c;
}

static void
mixed(struct load *l, struct client *c, unsigned *seed)
{
    char text[128];
    long count, one;

    if (rand_r(seed) % 2 == 0)
        command(l, c, "LIST \"\" *");
    if (rand_r(seed) % 2 == 0)
        command(l, c, "STATUS INBOX (MESSAGES UNSEEN UIDNEXT)");
    count = command(l, c, "SELECT INBOX");
    if (count < 1)
        count = 1;
    one = 1 + rand_r(seed) % count;
    (void)snprintf(text, sizeof(text), "FETCH %ld:%ld (UID FLAGS ENVELOPE)",
                   one > 20 ? one - 20 : 1, one);
    command(l, c, text);
    for (int i = 0; i < 1 + (rand_r(seed) % 10 < 3); i++) {
        (void)snprintf(text, sizeof(text), "FETCH %ld BODY[]", 1 + rand_r(seed) % count);
        command(l, c, text);
    }
    if (rand_r(seed) % 2 == 0) {
        (void)snprintf(text, sizeof(text), "STORE %ld +FLAGS (\\Flagged)",
                       1 + rand_r(seed) % count);
        command(l, c, text);
    }
    append(l, c);
    command(l, c, "NOOP");
    command(l, c, "STORE 1 +FLAGS (\\Deleted)");
    command(l, c, "EXPUNGE");
}

static void *
run_client(void *arg)
{
    struct load *l = arg;
    long number;

    while ((number = atomic_fetch_add(&l->next, 1)) < l->sessions) {
        double began = client_now();
        struct client *c = log_in(l, number);
        unsigned seed = (unsigned)number * 2654435761u + 1;

        if (strcmp(l->mode, "mix") == 0)
            mixed(l, c, &seed);
        command(l, c, "LOGOUT");
        client_close(c);
        l->latency[number] = client_now() - began;
    }
    return NULL;
}

static int
hold_idle(struct load *l)
{
    for (long i = 0; i < l->sessions; i++) {
        struct client *c = log_in(l, i);

        command(l, c, "SELECT INBOX");
        client_printf(c, "b IDLE\r\n");
        while (client_line(c)[0] != '+')
            ;
    }
    printf("ready\n");
    (void)fflush(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}

int
main(int argc, char **argv)
{
    struct load l = {0};
    pthread_t threads[1024];
    int clients;
    double began, took;

    if (argc != 9) {
        (void)fprintf(stderr,
                      "usage: imapload HOST PORT CLIENTS SESSIONS USERS PASSWORD MODE DOMAIN\n");
        return 2;
    }
    l.host = argv[1];
    l.port = (int)strtol(argv[2], NULL, 10);
    clients = (int)strtol(argv[3], NULL, 10);
    l.sessions = strtol(argv[4], NULL, 10);
    l.users = (int)strtol(argv[5], NULL, 10);
    l.password = argv[6];
    l.mode = argv[7];
    l.domain = argv[8];
    if (clients < 1 || clients > 1024 || l.sessions < 1)
        return 2;
    if (strcmp(l.mode, "idle") == 0)
        return hold_idle(&l);
    l.latency = calloc((size_t)l.sessions, sizeof(*l.latency));
    began = client_now();
    for (int i = 0; i < clients; i++)
        (void)pthread_create(&threads[i], NULL, run_client, &l);
    for (int i = 0; i < clients; i++)
        (void)pthread_join(threads[i], NULL);
    took = client_now() - began;
    printf("{\"sessions\": %ld, \"seconds\": %.4f, \"sessions_per_s\": %.1f, \"commands_per_s\": "
           "%.1f, "
           "\"p50_ms\": %.3f, \"p99_ms\": %.3f}\n",
           l.sessions, took, (double)l.sessions / took, (double)l.commands / took,
           client_percentile(l.latency, (size_t)l.sessions, 0.50) * 1e3,
           client_percentile(l.latency, (size_t)l.sessions, 0.99) * 1e3);
    return 0;
}
