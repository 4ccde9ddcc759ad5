/*
 * imapd/room.h - disk.hard_limit for what a session stores (STO-12).
 */
#ifndef POSTHORN_IMAPD_ROOM_H
#define POSTHORN_IMAPD_ROOM_H

#include "imapd/places.h"
#include "imapd/reply.h"

/* REPLY_OK: messages may be put where `target` is. */
struct reply room_check(struct session *s, const struct target *target);

#endif
