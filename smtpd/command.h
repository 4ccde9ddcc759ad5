/*
 * smtpd/command.h - the command table of SMTP and LMTP, and its dispatcher.
 */
#ifndef POSTHORN_SMTPD_COMMAND_H
#define POSTHORN_SMTPD_COMMAND_H

#include "smtpd/session.h"

/* Runs one command and sets the session's next state. */
void command_run(struct session *s, struct slice line);

/* The commands: they reply and return the state that follows. */
enum session_state hello_run_ehlo(struct session *s, struct slice args);
enum session_state hello_run_lhlo(struct session *s, struct slice args);
enum session_state hello_run_helo(struct session *s, struct slice args);
enum session_state misc_run_noop(struct session *s, struct slice args);
enum session_state misc_run_rset(struct session *s, struct slice args);
enum session_state misc_run_quit(struct session *s, struct slice args);
enum session_state misc_run_help(struct session *s, struct slice args);
enum session_state verify_run_vrfy(struct session *s, struct slice args);
enum session_state verify_run_expn(struct session *s, struct slice args);
enum session_state starttls_run(struct session *s, struct slice args);
enum session_state auth_run(struct session *s, struct slice args);
enum session_state mail_run(struct session *s, struct slice args);
enum session_state rcpt_run(struct session *s, struct slice args); /* may put the reply off */
enum session_state data_run(struct session *s, struct slice args);
enum session_state bdat_run(struct session *s, struct slice args);
enum session_state atrn_run(struct session *s, struct slice args);
enum session_state etrn_run(struct session *s, struct slice args);
enum session_state burl_run(struct session *s, struct slice args);
enum session_state xclient_run(struct session *s, struct slice args);
enum session_state xforward_run(struct session *s, struct slice args);

/* After ATRN over TLS: carries the bytes of client and agent until one of them ends. */
void atrn_carry(struct session *s);

/* Replies to the RCPTs that wait, and sets the state that follows from them. */
void rcpt_settle(struct session *s);

#endif
