/*
 * lib/ipc/accountd_visits.h - authd's report of logins to mailboxes, those that failed among them.
 * Conventions as in lib/ipc/accountd.h.
 */
#ifndef POSTHORN_LIB_IPC_ACCOUNTD_VISITS_H
#define POSTHORN_LIB_IPC_ACCOUNTD_VISITS_H

#include "lib/ipc/accountd.h"

#define ACCOUNTD_VISITS_MAX 1000 /* in one report */
#define ACCOUNTD_LOCATION_MAX 64
#define ACCOUNTD_VISIT_RESULT_MAX 100

struct accountd_visit {
    struct slice user;      /* canonical address of a mailbox that is, or was a moment ago */
    struct slice service;   /* "smtp", "imap", "pop3", "ldap" */
    struct slice client_ip; /* text */
    struct slice location;  /* where that is (lib/conf/location_table.h), or empty */
    struct slice result;    /* "ok", or why not */
    bool good;              /* logged in */
    int64_t time_ms;
};

/* Answered OK, whatever came of it. A report is begun, gets its visits, and is ended. */
struct writer accountd_visits_begin(struct strbuf *out);
void accountd_visits_add(struct writer *w, const struct accountd_visit *visit);
int accountd_visits_end(struct writer *w); /* as frame_end */
int accountd_visits_decode(struct slice payload,
                           int (*each)(void *arg, const struct accountd_visit *visit), void *arg);

#endif
