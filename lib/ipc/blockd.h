/*
 * lib/ipc/blockd.h - the firewall's helper. Socket run/block.sock.
 *
 * authd tells it the list (lib/ipc/blocked.h); who tells a list anew is the one who is heard from
 * then on. Root or the owner of the suite may ask how it is.
 */
#ifndef POSTHORN_LIB_IPC_BLOCKD_H
#define POSTHORN_LIB_IPC_BLOCKD_H

#include "lib/ipc/blocked.h"

#define BLOCKD_SOCKET "block.sock"
#define BLOCKD_TEXT_MAX 300
#define BLOCKD_PAYLOAD_MAX BLOCKED_PAYLOAD_MAX

enum blockd_type {
    BLOCKD_BLOCKED = 1, /* authd: no reply */
    BLOCKD_STATUS,      /* no field */
    BLOCKD_STATE        /* the reply */
};

enum blockd_condition {
    BLOCKD_OFF,     /* guess.firewall = no */
    BLOCKD_WAITING, /* authd has not told the list yet */
    BLOCKD_ON,
    BLOCKD_FAILED /* the firewall does not take it */
};
struct blockd_state {
    uint8_t condition;  /* enum blockd_condition */
    uint32_t addresses; /* in its sets */
    uint64_t lost;      /* for which there was no room */
    struct slice why;   /* FAILED */
};
int blockd_status_encode(struct strbuf *out);
int blockd_status_decode(struct slice payload);
int blockd_state_encode(struct strbuf *out, uint32_t id, const struct blockd_state *state);
int blockd_state_decode(struct slice payload, struct blockd_state *state); /* borrows */

#endif
