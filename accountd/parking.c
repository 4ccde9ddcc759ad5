/*
 * accountd/parking.c - requests that wait until something about a store path is known or done.
 *
 * A request waits once, for a bounded time; its peer may go away meanwhile.
 */
#include "accountd/parking.h"

#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"

#define PARKED_MAX 10000

struct parked {
    struct parked *next;
    uint64_t peer_id;
    struct frame_header header;
    char *payload;
    char *path;
    int64_t until_ms;
};

struct parking {
    struct server *server;
    struct parked *first, **last;
    size_t count;
    struct loop_timer *timer;
};

static void run_overdue(void *arg);

struct parking *
parking_new(struct server *server)
{
    struct parking *parking = xcalloc(1, sizeof(*parking));

    parking->server = server;
    parking->last = &parking->first;
    parking->timer = loop_timer_new(server->daemon->loop, run_overdue, parking);
    return parking;
}

static void
parked_free(struct parked *p)
{
    free(p->payload);
    free(p->path);
    free(p);
}

void
parking_free(struct parking **parkingp)
{
    struct parking *parking = *parkingp;

    if (parking == NULL)
        return;
    while (parking->first != NULL) {
        struct parked *next = parking->first->next;

        parked_free(parking->first);
        parking->first = next;
    }
    loop_timer_free(&parking->timer);
    xfree(parkingp);
}

bool
parking_add(struct parking *parking, const struct request *request, struct slice path)
{
    struct parked *p;

    if (parking->count == PARKED_MAX)
        return false;
    p = xcalloc(1, sizeof(*p));
    p->peer_id = ipc_peer_id(request->peer);
    p->header = request->header;
    p->payload = xslicedup(request->payload);
    p->path = xslicedup(path);
    p->until_ms = clock_mono_ms() + PARKING_WAIT_MS;
    if (parking->first == NULL)
        loop_timer_set(parking->timer, PARKING_WAIT_MS);
    *parking->last = p;
    parking->last = &p->next;
    parking->count++;
    return true;
}

/* Takes those out that are for `path` (NULL: overdue at `now_ms`), as a list of their own: running
 * one may park or wake others. */
static struct parked *
take(struct parking *parking, const struct slice *path, int64_t now_ms)
{
    struct parked *taken = NULL, **taken_last = &taken, **at = &parking->first;

    while (*at != NULL) {
        struct parked *p = *at;

        if (path != NULL ? !slice_eq(slice_of(p->path), *path) : p->until_ms > now_ms) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        p->next = NULL;
        *taken_last = p;
        taken_last = &p->next;
        parking->count--;
    }
    parking->last = at;
    return taken;
}

static void
run_all(struct parking *parking, struct parked *list)
{
    while (list != NULL) {
        struct parked *next = list->next;
        struct request request = {
            .server = parking->server,
            .peer = ipc_server_peer(parking->server->ipc, list->peer_id),
            .header = list->header,
            .payload = slice_make(list->payload, list->header.length),
            .waited = true,
        };

        if (request.peer != NULL)
            server_run(&request);
        parked_free(list);
        list = next;
    }
}

void
parking_wake(struct parking *parking, struct slice path)
{
    run_all(parking, take(parking, &path, 0));
}

static void
run_overdue(void *arg)
{
    struct parking *parking = arg;
    int64_t now_ms = clock_mono_ms();

    run_all(parking, take(parking, NULL, now_ms));
    if (parking->first != NULL) {
        int64_t in_ms = parking->first->until_ms - now_ms;

        loop_timer_set(parking->timer, in_ms > 0 ? in_ms : 1);
    }
}
