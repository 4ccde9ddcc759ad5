/*
 * imapd/parser.h - the tokens of a client's command (RFC 3501 section 9).
 *
 * A parser walks over the whole text of one command: the line without its CRLF, or several lines
 * with the literals between them, just as they were received. It copies nothing but quoted strings
 * with backslashes in them. The first error sticks; functions that return bool return false then.
 */
#ifndef POSTHORN_IMAPD_PARSER_H
#define POSTHORN_IMAPD_PARSER_H

#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/strbuf.h"

struct filter_source;

struct parser {
    struct slice rest;
    struct arena *arena;                 /* the command's: freed when it is done */
    const char *error;                   /* for the BAD response; NULL: none so far */
    bool utf8;                           /* mailbox names are UTF-8, else modified UTF-7 */
    bool uid_only;                       /* numbers of messages are an error (RFC 9586) */
    bool has_numbers;                    /* they were there: parser_numbers */
    const struct filter_source *filters; /* for search keys; NULL: there are none */
};

struct parser parser_begin(struct slice text, struct arena *arena);
/* Notes an error (the first one counts) and returns false. */
bool parser_fail(struct parser *p, const char *error);

/* Exactly this character; parser_peek looks ahead ('\0' at the end). */
char parser_peek(const struct parser *p);
bool parser_char(struct parser *p, char c);
/* Takes `c` if it is next; no error if it is not. */
bool parser_optional(struct parser *p, char c);
bool parser_space(struct parser *p);
bool parser_end(struct parser *p); /* nothing may be left */

/* 1*<any ASTRING-CHAR except "+">, at most PARSER_TAG_MAX of them. */
#define PARSER_TAG_MAX 128
bool parser_tag(struct parser *p, struct slice *out);
bool parser_atom(struct parser *p, struct slice *out);
bool parser_string(struct parser *p, struct slice *out); /* quoted or literal */
bool parser_astring(struct parser *p, struct slice *out);
/* NIL gives {NULL, 0}; an empty string has a pointer. */
bool parser_nstring(struct parser *p, struct slice *out);
/* nstring / literal8 (RFC 3516): may hold any bytes. */
bool parser_nstring8(struct parser *p, struct slice *out);
/* A LIST pattern: 1*list-char / string */
bool parser_list_mailbox(struct parser *p, struct slice *out);
/* A mailbox name as UTF-8, with any spelling of INBOX as "INBOX". Names that are no modified UTF-7
 * (p->utf8: no UTF-8) are an error. */
bool parser_mailbox(struct parser *p, struct slice *out);
/* Appends a name, or a part of one, as UTF-8. False: it is none, or too long. */
bool parser_decode_name(const struct parser *p, struct slice name, struct strbuf *out);

bool parser_number(struct parser *p, uint32_t *out);
bool parser_nz_number(struct parser *p, uint32_t *out);
/* At most 2^63 - 1: number64 of RFC 9051, mod-sequence-valzer of RFC 7162. */
bool parser_number64(struct parser *p, uint64_t *out);
/* Takes the word (any case) if it is next and ends there. No error if it is not. */
bool parser_word(struct parser *p, const char *word);

/* To be called where a set of message numbers, not of UIDs, is about to come. */
bool parser_numbers(struct parser *p);

/* date: "1-Feb-1994" in or without quotes, as days since 1970-01-01. */
bool parser_date(struct parser *p, int64_t *days);
/* date-time in quotes, as milliseconds since 1970-01-01 UTC. */
bool parser_date_time(struct parser *p, int64_t *real_ms);

/* The size that a literal's announcement at the end of `line` (without CRLF) gives. */
struct parser_literal {
    uint64_t size;
    bool non_sync; /* {n+} (RFC 7888) */
    size_t len;    /* of the announcement itself */
};
bool parser_literal_at_end(struct slice line, struct parser_literal *out);

#endif
