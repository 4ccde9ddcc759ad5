/*
 * imapd/append_text.h - the text of an APPEND or REPLACE command around its messages.
 *
 * Messages do not fit into the memory of a command, so these commands read themselves what follows
 * the first announcement of one: the literal, then the line behind it, which may announce more.
 */
#ifndef POSTHORN_IMAPD_APPEND_TEXT_H
#define POSTHORN_IMAPD_APPEND_TEXT_H

#include "imapd/parser.h"
#include "imapd/session.h"

struct append_text {
    struct session *s;
    struct parser *p;              /* stands in the current line */
    size_t taken;                  /* bytes of all lines */
    bool literal_ahead;            /* the current line ends in an announcement, */
    struct parser_literal literal; /* this one, and its bytes were not read */
    bool line_ahead;               /* a literal was read, the line behind it not yet */
};

/* `p` stands in the command's first line; what else comes is read into the session's arena. */
struct append_text append_text_begin(struct session *s, struct parser *p);
/* The announcement at which the parser stands (`is_8`: of a literal8) is to end the line. False:
 * see p->error. */
bool append_text_announced(struct append_text *t, bool is_8);
/* The literal ahead is larger than a client may send without waiting: it is to be refused. */
bool append_text_is_overlong(const struct append_text *t);
/* Reads the announced literal, which `take` gets in pieces as input_stream says. False: the
 * connection is over. */
bool append_text_receive(struct append_text *t, bool (*take)(void *arg, struct slice piece),
                         void *arg);
/* Reads the line behind the literal, and the parser stands at its beginning. False: the connection
 * is over. */
bool append_text_next_line(struct append_text *t);
/* The command has failed: reads what the client has sent of it without being asked, and nothing
 * more. False: the connection is over. */
bool append_text_abandon(struct append_text *t);

#endif
