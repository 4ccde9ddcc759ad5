/*
 * bench/smtpload.c - SMTP load: N sessions (threads) send M messages in all, connections reused.
 *
 *   smtpload HOST PORT SESSIONS MESSAGES SIZE USERS RCPTS MODE DOMAIN [RATE]
 * USERS mailboxes u0..u(USERS-1)@DOMAIN get mail in turn, RCPTS of them per message. MODE: reuse
 * (one connection a session), single (one a message), tls (reuse with STARTTLS), tls-single.
 * RATE: messages a second in all at most; the time of a message then counts from when it was due.
 * MAIL, RCPTs and DATA go out one by one with one recipient, together (PIPELINING) with more.
 * Prints one line of JSON.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/client.h"

struct load {
    const char *host, *mode, *domain;
    int port, users, rcpts;
    long messages;
    size_t size;
    char *body;
    size_t body_len;
    double rate, began;
    double *latency;
    atomic_long next, refused;
};

static void
expect(struct client *c, char first)
{
    const char *line;

    do {
        line = client_line(c);
        if (line[0] != first) {
            (void)fprintf(stderr, "smtpload: unexpected reply: %s\n", line);
            exit(1);
        }
    } while (line[3] == '-');
}

static struct client *
connect_session(struct load *l)
{
    struct client *c = client_open(l->host, l->port);

    expect(c, '2');
    client_printf(c, "EHLO load.test\r\n");
    expect(c, '2');
    if (strncmp(l->mode, "tls", 3) == 0) {
        client_printf(c, "STARTTLS\r\n");
        expect(c, '2');
        client_start_tls(c);
        client_printf(c, "EHLO load.test\r\n");
        expect(c, '2');
    }
    return c;
}

static void
send_one(struct load *l, struct client *c, long number)
{
    char *batch;
    size_t len = 0, room = 128 + (size_t)l->rcpts * 128;

    if (l->rcpts == 1) {
        client_printf(c, "MAIL FROM:<sender@load.test>\r\n");
        expect(c, '2');
        client_printf(c, "RCPT TO:<u%ld@%s>\r\n", number % l->users, l->domain);
        expect(c, '2');
        client_printf(c, "DATA\r\n");
        expect(c, '3');
    } else {
        batch = malloc(room);
        len += (size_t)snprintf(batch, room, "MAIL FROM:<sender@load.test>\r\n");
        for (int i = 0; i < l->rcpts; i++)
            len += (size_t)snprintf(batch + len, room - len, "RCPT TO:<u%ld@%s>\r\n",
                                    (number * l->rcpts + i) % l->users, l->domain);
        len += (size_t)snprintf(batch + len, room - len, "DATA\r\n");
        client_send(c, batch, len);
        free(batch);
        for (int i = 0; i < l->rcpts + 1; i++)
            expect(c, '2');
        expect(c, '3');
    }
    client_send(c, l->body, l->body_len);
    expect(c, '2');
}

/* When the message is due, having waited for it. */
static double
wait_for_turn(const struct load *l, long number)
{
    double now = client_now(), due = l->began + (double)number / l->rate;
    struct timespec left = {0};

    if (l->rate <= 0)
        return now;
    if (due > now) {
        left.tv_sec = (time_t)(due - now);
        left.tv_nsec = (long)((due - now - (double)left.tv_sec) * 1e9);
        (void)nanosleep(&left, NULL);
    }
    return due;
}

static void *
session(void *arg)
{
    struct load *l = arg;
    bool single = strstr(l->mode, "single") != NULL;
    struct client *c = NULL;
    long number;

    while ((number = atomic_fetch_add(&l->next, 1)) < l->messages) {
        double began = wait_for_turn(l, number);

        if (c == NULL)
            c = connect_session(l);
        send_one(l, c, number);
        l->latency[number] = client_now() - began;
        if (single) {
            client_printf(c, "QUIT\r\n");
            expect(c, '2');
            client_close(c);
            c = NULL;
        }
    }
    if (c != NULL) {
        client_printf(c, "QUIT\r\n");
        expect(c, '2');
        client_close(c);
    }
    return NULL;
}

static void
make_body(struct load *l)
{
    static const char head[] = "From: <sender@load.test>\r\nTo: <u@load.test>\r\nSubject: load\r\n"
                               "Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n"
                               "Message-ID: <load@load.test>\r\n\r\n";
    static const char line[] =
        "The quick brown fox jumps over the lazy dog, and the garden is green"
        " in May.\r\n";
    size_t len = 0;

    l->body = malloc(l->size + sizeof(head) + sizeof(line) + 8);
    memcpy(l->body, head, sizeof(head) - 1);
    len = sizeof(head) - 1;
    while (len < l->size) {
        memcpy(l->body + len, line, sizeof(line) - 1);
        len += sizeof(line) - 1;
    }
    memcpy(l->body + len, ".\r\n", 3);
    l->body_len = len + 3;
}

int
main(int argc, char **argv)
{
    struct load l = {0};
    pthread_t threads[1024];
    int sessions;
    double took;

    if (argc != 10 && argc != 11) {
        (void)fprintf(
            stderr,
            "usage: smtpload HOST PORT SESSIONS MESSAGES SIZE USERS RCPTS MODE DOMAIN [RATE]\n");
        return 2;
    }
    l.host = argv[1];
    l.port = (int)strtol(argv[2], NULL, 10);
    sessions = (int)strtol(argv[3], NULL, 10);
    l.messages = strtol(argv[4], NULL, 10);
    l.size = (size_t)strtol(argv[5], NULL, 10);
    l.users = (int)strtol(argv[6], NULL, 10);
    l.rcpts = (int)strtol(argv[7], NULL, 10);
    l.mode = argv[8];
    l.domain = argv[9];
    l.rate = argc == 11 ? strtod(argv[10], NULL) : 0;
    if (sessions < 1 || sessions > 1024 || l.messages < 1)
        return 2;
    l.latency = calloc((size_t)l.messages, sizeof(*l.latency));
    make_body(&l);
    l.began = client_now();
    for (int i = 0; i < sessions; i++)
        (void)pthread_create(&threads[i], NULL, session, &l);
    for (int i = 0; i < sessions; i++)
        (void)pthread_join(threads[i], NULL);
    took = client_now() - l.began;
    printf("{\"messages\": %ld, \"seconds\": %.4f, \"rate\": %.1f, \"p50_ms\": %.3f, \"p99_ms\": "
           "%.3f}\n",
           l.messages, took, (double)l.messages / took,
           client_percentile(l.latency, (size_t)l.messages, 0.50) * 1e3,
           client_percentile(l.latency, (size_t)l.messages, 0.99) * 1e3);
    return 0;
}
