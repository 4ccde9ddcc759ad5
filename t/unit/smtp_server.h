/*
 * t/unit/smtp_server.h - a server in a thread that says what it shall say and hangs up where it
 * shall, and a client that sends it one message to two recipients.
 */
#ifndef POSTHORN_T_UNIT_SMTP_SERVER_H
#define POSTHORN_T_UNIT_SMTP_SERVER_H

#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/smtp/smtp_send.h"

#define CONTENT "Subject: x\r\n\r\n.dot\r\n"
#define STEP_MS 5000

enum { GREETING, HELLO, MAIL, RCPT_1, RCPT_2, DATA, END, STEPS };

struct server {
    int listener;
    const char *replies[STEPS]; /* NULL: 250, 354 or 220, as it should be */
    int closes_before;          /* the step whose reply does not come; STEPS: none */
    bool pipelining, is_lmtp, hangs_up_after_end;
    const char *extensions; /* the reply to EHLO, or NULL */
    struct strbuf received; /* behind DATA */
    struct strbuf mails;    /* MAIL and RCPT commands, with their CRLF */
};

/* ---- the server ---- */

static inline const char *
reply_for(const struct server *s, int step)
{
    if (s->replies[step] != NULL)
        return s->replies[step];
    if (step == HELLO && s->pipelining)
        return "250-x\r\n250 PIPELINING";
    if (step == HELLO && s->extensions != NULL)
        return s->extensions;
    return step == GREETING ? "220 x" : step == DATA ? "354 go on" : "250 ok";
}

/* A line with its CRLF; false at the end. */
static inline bool
read_command(FILE *f, char *line, size_t room)
{
    return fgets(line, (int)room, f) != NULL;
}

static inline int
step_of(const char *line, int before)
{
    if (strncmp(line, "EHLO", 4) == 0 || strncmp(line, "LHLO", 4) == 0)
        return HELLO;
    if (strncmp(line, "MAIL", 4) == 0)
        return MAIL;
    if (strncmp(line, "RCPT", 4) == 0)
        return before == RCPT_1 ? RCPT_2 : RCPT_1;
    return strncmp(line, "DATA", 4) == 0 ? DATA : STEPS; /* RSET, QUIT */
}

static inline void
converse(struct server *s, FILE *f)
{
    char line[1000];
    int step = GREETING;

    for (;;) {
        if (step == s->closes_before)
            return;
        if (dprintf(fileno(f), "%s\r\n", step == STEPS ? "250 ok" : reply_for(s, step)) < 0)
            return;
        if (step == DATA && strncmp(reply_for(s, DATA), "354", 3) == 0) {
            while (read_command(f, line, sizeof(line)) && strcmp(line, ".\r\n") != 0)
                (void)strbuf_str(&s->received, line);
            step = END;
            continue;
        }
        if (step == END && s->hangs_up_after_end)
            return;
        if (!read_command(f, line, sizeof(line)))
            return;
        step = step_of(line, step);
        if (step == MAIL || step == RCPT_1 || step == RCPT_2)
            (void)strbuf_str(&s->mails, line);
    }
}

static inline void *
serve(void *arg)
{
    struct server *s = arg;
    int fd = accept(s->listener, NULL, NULL);
    FILE *f = fdopen(fd, "r");

    ck_assert_ptr_nonnull(f);
    converse(s, f);
    (void)fclose(f);
    return NULL;
}

/* ---- the client ---- */

static inline void
listen_on(struct server *s, struct smtp_peer *peer)
{
    struct sockaddr_in *address = (struct sockaddr_in *)&peer->address;

    *peer =
        (struct smtp_peer){.host = "mx.test", .ip = "127.0.0.1", .address_len = sizeof(*address)};
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(s->listener, (struct sockaddr *)address, peer->address_len), 0);
    ck_assert_int_eq(listen(s->listener, 1), 0);
    ck_assert_int_eq(getsockname(s->listener, (struct sockaddr *)address, &peer->address_len), 0);
}

static inline int
content_fd(void)
{
    int fd = memfd_create("content", MFD_CLOEXEC);

    ck_assert_int_eq(write_all(fd, SLICE(CONTENT)), 0);
    return fd;
}

/* True if the conversation came as far as a transaction. */
static inline bool
send_with(struct server *s, const struct smtp_terms *terms, struct smtp_recipient rcpts[2])
{
    struct smtp_client_options options = {
        .helo_name = "client.test",
        .timeouts = {STEP_MS, STEP_MS, STEP_MS, STEP_MS, STEP_MS, STEP_MS, STEP_MS}};
    struct smtp_message message = {.fd = content_fd(),
                                   .size = sizeof(CONTENT) - 1,
                                   .sender = SLICE("a@b.test"),
                                   .terms = *terms};
    struct smtp_verdict why;
    struct smtp_client *client;
    struct smtp_peer peer;
    pthread_t thread;
    bool opened;

    rcpts[0].address = SLICE("one@mx.test");
    rcpts[1].address = SLICE("two@mx.test");
    s->received = strbuf_new(1000);
    s->mails = strbuf_new(1000);
    listen_on(s, &peer);
    peer.is_lmtp = s->is_lmtp;
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, s), 0);
    client = smtp_client_open(&peer, &options, clock_mono_ms() + STEP_MS, &why);
    opened = client != NULL;
    if (opened)
        smtp_send(client, &message, rcpts, 2);
    smtp_client_close(&client);
    (void)pthread_join(thread, NULL);
    (void)close(s->listener);
    (void)close(message.fd);
    return opened;
}

#endif
