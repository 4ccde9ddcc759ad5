/*
 * lib/mail/text_walk.h - the text of a message as it is searched: decoded and case folded.
 *
 * Header fields are given as "Name: body" with encoded words decoded; text parts (text and what
 * claims to be message but has no parts) with transfer encoding and character set undone, HTML with
 * its tags; parts inside with their headers, and the names of attachments also where RFC 2231
 * escapes them. What is no text is left out.
 */
#ifndef POSTHORN_LIB_MAIL_TEXT_WALK_H
#define POSTHORN_LIB_MAIL_TEXT_WALK_H

#include "lib/mail/mime.h"

/* Raise it when the same message gives another text than before (new character sets, another way
 * of folding): what was made from the old text must be made again. */
#define TEXT_WALK_VERSION 2

#define TEXT_WALK_PIECE_MAX 262144 /* bytes of a piece */

struct text_sink {
    /* UTF-8 with casemap_text applied; goes on where the piece before ended. Does not end inside a
     * character. False: enough. */
    bool (*piece)(void *arg, struct slice folded);
    /* No match lies across this place. */
    void (*gap)(void *arg);
    void *arg;
};

/* With `with_header` the message's own header too. */
void text_walk_message(const struct mime *m, bool with_header, const struct text_sink *sink);

#endif
