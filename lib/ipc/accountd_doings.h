/*
 * lib/ipc/accountd_doings.h - what users have done, reported afterwards: logins to mailboxes and
 * removed messages by authd, messages sent by smtpd. Conventions as in lib/ipc/accountd.h.
 */
#ifndef POSTHORN_LIB_IPC_ACCOUNTD_DOINGS_H
#define POSTHORN_LIB_IPC_ACCOUNTD_DOINGS_H

#include "lib/ipc/accountd.h"

#define ACCOUNTD_DOINGS_MAX 1000 /* in one report */
#define ACCOUNTD_LOCATION_MAX 64
#define ACCOUNTD_RESULT_MAX 100

/* ---- VISITS: answered OK, whatever came of it ---- */
struct accountd_visit {
    struct slice user;      /* canonical address of a mailbox that is, or was a moment ago */
    struct slice service;   /* "smtp", "imap", "pop3", "ldap" */
    struct slice client_ip; /* text */
    struct slice location;  /* where that is (lib/conf/location_table.h), or empty */
    struct slice result;    /* "ok", or why not */
    bool good;              /* logged in */
    int64_t time_ms;
};
struct accountd_removal {
    struct slice user, service, client_ip; /* as above */
    struct slice folder;                   /* as the user sees it; may be cut */
    uint32_t messages;
    uint64_t bytes;
    int64_t time_ms;
};
/* A report is begun, gets what there is, and is ended. */
struct writer accountd_visits_begin(struct strbuf *out);
void accountd_visits_add(struct writer *w, const struct accountd_visit *visit);
void accountd_visits_add_removal(struct writer *w, const struct accountd_removal *removal);
int accountd_visits_end(struct writer *w); /* as frame_end */
struct accountd_visits_taker {
    int (*visit)(void *arg, const struct accountd_visit *visit); /* -1 stops */
    int (*removal)(void *arg, const struct accountd_removal *removal);
    void *arg;
};
int accountd_visits_decode(struct slice payload, const struct accountd_visits_taker *taker);

/* ---- SENT: a report, no reply ---- */
#define ACCOUNTD_SENT_RCPTS_MAX 300 /* bytes of recipients */
struct accountd_sent {
    struct slice auth_user, client_ip;
    struct slice recipients; /* as many as fit, with commas */
    uint32_t local_rcpts, remote_rcpts;
    uint64_t bytes;
    struct slice result; /* "accepted", "held" or the refusal; may be cut */
    bool accepted;
    int64_t time_ms;
};
int accountd_sent_encode(struct strbuf *out, const struct accountd_sent *sent);
int accountd_sent_decode(struct slice payload, struct accountd_sent *sent);

#endif
