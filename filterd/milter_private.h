/*
 * filterd/milter_private.h - a conversation from the inside: for milter.c, milter_say.c and
 * milter_hear.c.
 */
#ifndef POSTHORN_FILTERD_MILTER_PRIVATE_H
#define POSTHORN_FILTERD_MILTER_PRIVATE_H

#include "filterd/link.h"
#include "filterd/milter.h"

/* The packets in the order in which a message brings them about. */
enum step {
    SAY_CONNECT,
    SAY_HELO,
    SAY_UNKNOWN,
    SAY_MAIL,
    SAY_RCPT,
    SAY_DATA,
    SAY_HEADER, /* again and again */
    SAY_HEADERS_END,
    SAY_BODY, /* again and again */
    SAY_END,
    SAY_NOTHING, /* the stage is reached */
};

struct milter {
    struct loop *loop;
    struct endpoint *endpoint;
    const struct facts *facts;
    struct link *link;
    struct loop_task *later; /* goes on from the loop */
    enum {
        MILTER_ABSENT,      /* no connection */
        MILTER_NEGOTIATING, /* connecting, or our options are on their way */
        MILTER_READY,       /* it waits for us */
        MILTER_SPEAKING,    /* we wait for its answer to `step` */
        MILTER_PAUSED       /* we wait until what was said has left */
    } state;
    bool failed;     /* until the next MAIL the default action holds */
    char why[160];   /* of that */
    bool hold;       /* and it is to quarantine */
    bool passes_all; /* accepted at CONNECT or HELO */
    bool passes_message;
    uint32_t steps, actions;    /* negotiated */
    char *macros[MACRO_STAGES]; /* NULL: the usual ones */
    bool said[SAY_NOTHING];     /* on this connection; MAIL and later: in this transaction */
    enum step step;
    enum stage stage; /* that is to be reached */
    bool asked;
    int64_t stage_until_ms; /* mono; progress does not reach further */
    void (*answered)(void *arg, const struct outcome *outcome);
    void *arg;
    struct message *message;
    size_t next_field;
    uint64_t next_body; /* offset */
    struct changes changes;
};

/* ---- milter_say.c ---- */

/* What has to be said next to reach the stage. */
enum step milter_next_step(const struct milter *m);
/* Is there no answer to it? */
bool milter_is_mute(const struct milter *m, enum step step);
/* Sends macros and packet. 0, or -1 with what was wrong in *why. */
int milter_say(struct milter *m, enum step step, const char **why);
int milter_say_options(struct milter *m);
void milter_say_bare(struct milter *m, enum packet_command command); /* ABORT, QUIT */

/* ---- milter_hear.c ---- */

enum hearing {
    HEARD_GO_ON,    /* the next step */
    HEARD_WAIT,     /* another answer follows */
    HEARD_OUTCOME,  /* *out ends the stage */
    HEARD_NONSENSE, /* *why */
};
enum hearing milter_hear(struct milter *m, const struct packet *packet, struct outcome *out,
                         const char **why);
int milter_hear_options(struct milter *m, const struct packet *packet);

#endif
