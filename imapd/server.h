/*
 * imapd/server.h - what all sessions share: settings, TLS, counters.
 *
 * Made by the parent before it forks, read-only afterwards (the counters are in shared memory).
 */
#ifndef POSTHORN_IMAPD_SERVER_H
#define POSTHORN_IMAPD_SERVER_H

#include "lib/auth/mechanisms.h"
#include "lib/base/arena.h"
#include "lib/conf/conf.h"
#include "lib/store/annotation_set.h"
#include "lib/sys/disk_level.h"
#include "lib/sys/stats.h"
#include "lib/tls/tls.h"

struct settings {
    const char *banner;
    bool is_anonymous; /* the banner hides the product (SMTP-07) */
    bool plain_on_loopback;
    bool utf8_accept;    /* RFC 6855 */
    bool unauthenticate; /* RFC 8437 */
    struct mechanisms *mechanisms;
    size_t command_max;          /* bytes of one command with its literals, APPEND's apart */
    bool literal_minus;          /* LITERAL- in place of LITERAL+ (RFC 7888) */
    uint64_t append_max;         /* bytes of one message */
    uint32_t message_limit;      /* messages in one command; 0: no limit (RFC 9738) */
    uint32_t save_limit;         /* messages that one COPY or APPEND adds; 0: no other limit */
    unsigned errors_max;         /* wrong commands before the connection is closed */
    int64_t login_timeout_ms;    /* from connection to login */
    int64_t autologout_ms;       /* silence of an authenticated client */
    int64_t transfer_timeout_ms; /* for one part of a literal */
    int64_t flush_interval_ms;   /* store.flush_interval */
    uint32_t undelete_days;      /* store.undelete_days */
    uint32_t notify_max;         /* folders that NOTIFY watches in one session */
    size_t metadata_size_max;    /* bytes of one annotation */
    size_t metadata_entries_max; /* annotations of one mailbox, shared and private each */
    uint64_t metadata_total_max; /* bytes of annotations of one store */
    struct disk_limits disk;     /* no message is stored where there is less room */
    bool fulltext;               /* SEARCH TEXT and BODY make and use an index */
};

struct counters {
    _Atomic uint64_t *logins, *login_failures, *commands, *messages_fetched, *messages_appended,
        *sessions_reading;
};

struct server {
    struct settings settings;
    struct counters counters;
    struct tls_context *tls;           /* NULL: no TLS */
    struct annotation_set annotations; /* of the server: what the administrator has set */
    struct arena arena;                /* that they are in */
};

/* Sets the process's MIME limits, too. */
void server_load_settings(struct settings *settings, const struct conf *conf);
/* The server's annotations; they borrow from `conf`. */
void server_make_annotations(struct server *server, const struct conf *conf);
void server_make_counters(struct counters *counters, struct stats *stats);

#endif
