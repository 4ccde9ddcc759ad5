/*
 * filterd/packet.h - packets of Sendmail's milter protocol, version 6 (libmilter/mfdef.h).
 *
 * A packet is its length (u32, big-endian, of what follows), one command byte, and data: strings
 * that end with NUL, numbers of 32 bits, or bare bytes.
 */
#ifndef POSTHORN_FILTERD_PACKET_H
#define POSTHORN_FILTERD_PACKET_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define PACKET_DATA_MAX 65535 /* bytes of data (MILTER_MAX_DATA_SIZE) and of a body chunk */
#define PACKET_VERSION 6
#define PACKET_DSN_MAX 16
#define PACKET_TEXT_MAX 400

/* What we say. */
enum packet_command {
    PACKET_ABORT = 'A',
    PACKET_BODY = 'B',
    PACKET_CONNECT = 'C',
    PACKET_MACROS = 'D',
    PACKET_BODY_END = 'E',
    PACKET_HELO = 'H',
    PACKET_HEADER = 'L',
    PACKET_MAIL = 'M',
    PACKET_HEADERS_END = 'N',
    PACKET_OPTIONS = 'O',
    PACKET_QUIT = 'Q',
    PACKET_RCPT = 'R',
    PACKET_DATA = 'T',
    PACKET_UNKNOWN = 'U',
};

/* What a milter answers. */
enum packet_answer {
    ANSWER_ADD_RCPT = '+',
    ANSWER_DELETE_RCPT = '-',
    ANSWER_ADD_RCPT_PARAMS = '2',
    ANSWER_SHUTDOWN = '4',
    ANSWER_ACCEPT = 'a',
    ANSWER_REPLACE_BODY = 'b',
    ANSWER_CONTINUE = 'c',
    ANSWER_DISCARD = 'd',
    ANSWER_CHANGE_SENDER = 'e',
    ANSWER_CONNECTION_FAILURE = 'f',
    ANSWER_ADD_HEADER = 'h',
    ANSWER_INSERT_HEADER = 'i',
    ANSWER_CHANGE_HEADER = 'm',
    ANSWER_PROGRESS = 'p',
    ANSWER_QUARANTINE = 'q',
    ANSWER_REJECT = 'r',
    ANSWER_SKIP = 's',
    ANSWER_TEMPFAIL = 't',
    ANSWER_REPLY = 'y',
};

/* SMFIF_*: what the milter may do. */
enum packet_action {
    ACTION_ADD_HEADERS = 0x1,
    ACTION_CHANGE_BODY = 0x2,
    ACTION_ADD_RCPT = 0x4,
    ACTION_DELETE_RCPT = 0x8,
    ACTION_CHANGE_HEADERS = 0x10,
    ACTION_QUARANTINE = 0x20,
    ACTION_CHANGE_SENDER = 0x40,
    ACTION_ADD_RCPT_PARAMS = 0x80,
    ACTION_MACRO_LISTS = 0x100,
    ACTIONS_ALL = 0x1ff,
};

/* SMFIP_*: what it does not want to be told, and what it will not answer. */
enum packet_step {
    STEP_NO_CONNECT = 0x1,
    STEP_NO_HELO = 0x2,
    STEP_NO_MAIL = 0x4,
    STEP_NO_RCPT = 0x8,
    STEP_NO_BODY = 0x10,
    STEP_NO_HEADERS = 0x20,
    STEP_NO_HEADERS_END = 0x40,
    STEP_MUTE_HEADERS = 0x80,
    STEP_NO_UNKNOWN = 0x100,
    STEP_NO_DATA = 0x200,
    STEP_SKIP = 0x400,
    STEP_REJECTED_RCPT = 0x800,
    STEP_MUTE_CONNECT = 0x1000,
    STEP_MUTE_HELO = 0x2000,
    STEP_MUTE_MAIL = 0x4000,
    STEP_MUTE_RCPT = 0x8000,
    STEP_MUTE_DATA = 0x10000,
    STEP_MUTE_UNKNOWN = 0x20000,
    STEP_MUTE_HEADERS_END = 0x40000,
    STEP_MUTE_BODY = 0x80000,
    STEP_LEADING_SPACE = 0x100000,
    STEPS_ALL = 0x1fffff,
};

/* Stages for which a milter may name the macros that it wants (SMFIM_*). */
enum packet_macro_stage {
    MACROS_CONNECT,
    MACROS_HELO,
    MACROS_MAIL,
    MACROS_RCPT,
    MACROS_DATA,
    MACROS_END,
    MACROS_HEADERS_END,
    MACRO_STAGES
};

/* ---- writing: begin, add, end; an overflow is remembered by the buffer ---- */
size_t packet_begin(struct strbuf *out, enum packet_command command);
void packet_u32(struct strbuf *out, uint32_t value);
/* A NUL inside cannot be said and becomes '?'. */
void packet_string(struct strbuf *out, struct slice text);
/* A field's body: line ends as LF (what libmilter's programs expect), no NUL. */
void packet_header_value(struct strbuf *out, struct slice body);
void packet_end(struct strbuf *out, size_t begin);

/* ---- reading ---- */
struct packet {
    char command;
    struct slice data; /* borrows from the input */
};
enum packet_status { PACKET_WHOLE, PACKET_PARTIAL, PACKET_BAD };
/* Takes one packet off *input. */
enum packet_status packet_take(struct slice *input, struct packet *out);

struct packet_options {
    uint32_t version, actions, steps;
    struct slice macros[MACRO_STAGES]; /* names, separated by white space; ptr NULL: not said */
};
/* The answer to ours. 0, or -1: damaged, or it wants what we did not offer. */
int packet_options_parse(struct slice data, struct packet_options *out);

/* Any other answer, decoded and checked. */
struct answer {
    enum packet_answer what;
    uint32_t index;     /* INSERT_HEADER, CHANGE_HEADER */
    struct slice name;  /* of a field; an address (with or without <>) */
    struct slice value; /* of a field (LF or CRLF inside, any bytes but NUL); ESMTP parameters; the
                           reason of QUARANTINE; a chunk of REPLACE_BODY */
    unsigned code;      /* REPLY: 400 to 599 */
    char dsn[PACKET_DSN_MAX];   /* REPLY: of the code's class, "5.7.1" */
    char text[PACKET_TEXT_MAX]; /* REPLY: printable ASCII on one line */
};
/* 0, or -1: unknown, or its data is not what the command has. */
int packet_answer_parse(const struct packet *packet, struct answer *out);
/* Is it one of those that change the message and are followed by another answer? */
bool packet_answer_is_change(enum packet_answer what);
/* The actions that permit this change; 0: none is needed. */
uint32_t packet_answer_needs(enum packet_answer what);

/* "550 5.7.1 text", more lines of it, doubled % as libmilter's callers write them. Fills in code,
 * dsn and text. 0, or -1: no 4yz or 5yz reply. */
int packet_reply_parse(struct slice text, struct answer *out);

#endif
