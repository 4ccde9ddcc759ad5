/*
 * lib/ipc/alertd.h - what the command line and operd ask alertd. Socket run/alert.sock, root and
 * the suite's owner alone.
 */
#ifndef POSTHORN_LIB_IPC_ALERTD_H
#define POSTHORN_LIB_IPC_ALERTD_H

#include "lib/ipc/frame.h"

#define ALERTD_SOCKET "alert.sock"
#define ALERTD_TEXT_MAX 1024
#define ALERTD_DATA_MAX (4u << 20)
#define ALERTD_CONTENT_MAX (1u << 20) /* bytes of what is told everybody */
#define ALERTD_REQUEST_MAX (ALERTD_CONTENT_MAX + (16u << 10))
#define ALERTD_REPLY_MAX (ALERTD_DATA_MAX + 2 * ALERTD_TEXT_MAX)

enum alertd_type { ALERTD_CONTROL = 1, ALERTD_REPLY, ALERTD_BROADCAST };

/* Verbs:
 *   list     the alerts as the reply's data, objects of lib/ipc/object.h: name, kind, state, since,
 *            silenced, text
 *   test     a trial message by every way; the reply comes when all have ended, its data are
 *            objects with way, result
 *   report   a report of the time since the last one is sent now
 *   broadcasts  objects with id, domain, recipients, state
 *   silence  `name` (of an alert, of a kind, or "all") is not told of until `time_ms` (ms since
 *            1970; 0: it is again) */
struct alertd_control {
    struct slice verb, name;
    int64_t time_ms;
};
struct alertd_reply {
    uint32_t result;   /* 0: done */
    struct slice text; /* why not */
    struct slice data;
};
int alertd_control_encode(struct strbuf *out, const struct alertd_control *control);
int alertd_control_decode(struct slice payload, struct alertd_control *control); /* borrows */
int alertd_reply_encode(struct strbuf *out, uint32_t id, const struct alertd_reply *reply);
int alertd_reply_decode(struct slice payload, struct alertd_reply *reply); /* borrows */

/* ---- BROADCAST: a message to all users; a reply as above. The same id and message again is
 * answered like the first time, and nothing is sent; another message with an id of before is
 * refused ---- */
#define ALERTD_BROADCAST_ID_MAX 40 /* letters, digits, '-' */
struct alertd_broadcast {
    struct slice id;
    struct slice domain;    /* canonical; empty: all domains */
    struct slice who, from; /* for the audit log; one line each */
    struct slice subject;   /* UTF-8, one line */
    bool is_html;
    struct slice content; /* UTF-8 */
};
bool alertd_broadcast_id_valid(struct slice id);
int alertd_broadcast_encode(struct strbuf *out, const struct alertd_broadcast *message);
int alertd_broadcast_decode(struct slice payload, struct alertd_broadcast *message); /* borrows */

#endif
