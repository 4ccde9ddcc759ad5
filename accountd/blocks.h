/*
 * accountd/blocks.h - who may not log in or not send, until when: in the account base, told to
 * authd, shown to administrators.
 */
#ifndef POSTHORN_ACCOUNTD_BLOCKS_H
#define POSTHORN_ACCOUNTD_BLOCKS_H

#include "accountd/audit.h"
#include "accountd/server.h"
#include "lib/account/edit.h"
#include "lib/auth/block_list.h"

struct blocks;

/* Reads the account base. */
struct blocks *blocks_new(struct server *server);
/* Before a rename: what could not be written is tried again. */
void blocks_settle(struct blocks *blocks);
/* A rename has changed rows: the list follows them, and so do the copies of it. What has no row
 * since before the rename stays. */
void blocks_reload(struct blocks *blocks);
void blocks_free(struct blocks **blocksp);

/* In the base on return, and told. A block in force that lasts longer stays as it is. 0, or -1 with
 * errno: it could not be written. */
int blocks_add(struct blocks *blocks, const struct block *block);
/* The same for an administrator's, which takes the place of any other; end_ms 0 lifts one. `event`
 * (may be NULL) is audited. ENOSPC: there are BLOCKS_MAX that were set by hand. */
int blocks_change(struct blocks *blocks, const struct block *block,
                  const struct audit_event *event);
const struct block_list *blocks_listed(const struct blocks *blocks);
int64_t blocks_time_ms(const struct blocks *blocks); /* guess.block_time */
/* Does a block in force keep the user (canonical) from sending? NULL, or that block. */
const struct block *blocks_of_sender(const struct blocks *blocks, struct slice user);

/* BLOCK and BLOCKS of authd. */
enum outcome blocks_request_add(struct request *request);
enum outcome blocks_request_follow(struct request *request);

/* blocks_admin.c: ADMIN "list", "add" and "lift" of "block"; fields of add: "scope" ("sending": a
 * user's sending alone), "time" (empty: guess.block_time; 0: for ever) and "reason". Who may is
 * asked here. Changes are audited as `event`. */
void blocks_admin(struct server *server, const struct accountd_admin *admin,
                  const struct audit_event *event, struct strbuf *data, struct strbuf *cursor,
                  struct account_result *result);

#endif
