/*
 * pop3d/transaction.h - the commands of the TRANSACTION state, and the UPDATE that ends it.
 */
#ifndef POSTHORN_POP3D_TRANSACTION_H
#define POSTHORN_POP3D_TRANSACTION_H

#include "pop3d/session.h"

enum session_state transaction_stat_run(struct session *s, struct slice args);
enum session_state transaction_list_run(struct session *s, struct slice args);
enum session_state transaction_uidl_run(struct session *s, struct slice args);
enum session_state transaction_retr_run(struct session *s, struct slice args);
enum session_state transaction_top_run(struct session *s, struct slice args);
enum session_state transaction_dele_run(struct session *s, struct slice args);
enum session_state transaction_rset_run(struct session *s, struct slice args);
enum session_state transaction_last_run(struct session *s, struct slice args);
enum session_state transaction_noop_run(struct session *s, struct slice args);

/* The client is not heard for a moment: time to read what it will probably ask for next. */
void transaction_before_wait(struct session *s);

/* QUIT: removes what is marked and replies (RFC 1939 section 6). */
void transaction_update(struct session *s);
/* However the session ended: what it fetched is marked as read if the user wants that (POP-05). */
void transaction_end(struct session *s);

#endif
