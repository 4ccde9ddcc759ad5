/*
 * queue-manager/destination.h - the remote next hops: lane, concurrency window, back-off of each.
 *
 * The window is how many jobs may be under way to one destination. It starts small, grows by
 * 1/window with each success and halves with each failure, up to the setting and never past half of
 * all agents' slots: no destination can have them all. After DEAD_AFTER failures in a row the
 * destination is dead for a while: what waits for it is deferred without an attempt of its own.
 *
 * Those with mail of senders that have little under way are in a line of their own, which has three
 * turns of four: who sends to ten thousand destinations at once does not put them before the one
 * of somebody else.
 */
#ifndef POSTHORN_QUEUE_MANAGER_DESTINATION_H
#define POSTHORN_QUEUE_MANAGER_DESTINATION_H

#include "queue-manager/lane.h"

struct destination {
    struct slice name; /* domain in lower case, or address literal */
    struct lane lane;
    double window;
    uint32_t in_flight;
    uint32_t failures;     /* in a row */
    uint32_t deaths;       /* in a row */
    int64_t dead_until_ms; /* monotonic; 0: alive */
    int64_t idle_since_ms;
    uint64_t fetch_number; /* its customer's connection, over which alone its mail goes; 0: none */
    bool fetch_crowded;    /* not all of it had room in line */
    uint64_t last_agent;   /* id of the peer that has connections open, perhaps */
    char *reason;          /* of the last failure, or NULL */
    struct destination *table_next;
    struct destination_line *line; /* of those that have shares; NULL: in none */
    TAILQ_ENTRY(destination) in_line;
};

struct destinations;

struct destinations *destinations_new(const struct queue_settings *settings);
void destinations_free(struct destinations **dp);

/* The destination of that name, made if it is new. */
struct destination *destinations_get(struct destinations *ds, struct slice name);
uint32_t destinations_waiting(const struct destinations *ds); /* shares in line for all of them */
/* The next hop of a remote address: what is behind its last '@'. */
struct slice destination_name(struct slice address);
/* It has shares in line (again): takes part in the turns. */
void destinations_line_up(struct destinations *ds, struct destination *d);
/* The next one in turn that may have a job now, or NULL. Each call goes on behind the last result.
 */
struct destination *destinations_next(struct destinations *ds, uint32_t slots_in_all);
bool destination_is_dead(const struct destination *d);
/* Why what goes there is deferred without an attempt. */
void destination_describe_rest(const struct destination *d, struct strbuf *out);
void destination_succeeded(struct destinations *ds, struct destination *d);
/* True: it is dead now, and its lane should be emptied. */
bool destination_failed(struct destinations *ds, struct destination *d, struct slice reason);
/* That one is alive again, or with an empty name all are (flush). */
void destinations_revive(struct destinations *ds, struct slice name);
/* Frees those that nothing is known or wanted of. Called now and then. */
void destinations_sweep(struct destinations *ds);

#endif
