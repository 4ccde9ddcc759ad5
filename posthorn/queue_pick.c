/*
 * posthorn/queue_pick.c - which queued messages a command means. Reads the queue's directories.
 */
#include "posthorn/queue_pick.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/ipc/object.h"
#include "posthorn/queue_remote.h"

#define AGE_MAX_MS 3153600000000u   /* a hundred years */
#define FUTURE_MAX_MS 315360000000u /* ten years */

void
queue_pick_options(struct queue_pick *pick, struct cli_option *options)
{
    options[0] = (struct cli_option){"--state", CLI_TEXT, &pick->state};
    options[1] = (struct cli_option){"--sender", CLI_TEXT, &pick->sender};
    options[2] = (struct cli_option){"--recipient", CLI_TEXT, &pick->recipient};
    options[3] = (struct cli_option){"--domain", CLI_TEXT, &pick->domain};
    options[4] = (struct cli_option){"--older-than", CLI_TEXT, &pick->older};
}

static struct slice
text_of(const char *text)
{
    return text == NULL ? SLICE("") : slice_of(text);
}

static int
read_state(const struct cli *cli, struct queue_pick *pick)
{
    for (int state = SPOOL_NEW; state < SPOOL_STATES; state++)
        if (strcmp(pick->state, spool_name((enum spool_state)state)) == 0)
            pick->filter.states = 1u << state;
    if (pick->filter.states != 0)
        return 0;
    return cli_usage(cli, "--state is new, active, deferred, hold or corrupt");
}

int
queue_pick_read(const struct cli *cli, struct queue_pick *pick)
{
    uint64_t age_ms;

    pick->filter = (struct queue_filter){.sender = text_of(pick->sender),
                                         .recipient = text_of(pick->recipient),
                                         .domain = text_of(pick->domain)};
    pick->filtered = pick->state != NULL || pick->sender != NULL || pick->recipient != NULL ||
                     pick->domain != NULL || pick->older != NULL;
    if (pick->state != NULL && read_state(cli, pick) != 0)
        return CLI_USAGE;
    if (pick->older == NULL)
        return 0;
    if (parse_duration_ms(slice_of(pick->older), AGE_MAX_MS, &age_ms) < 0)
        return cli_usage(cli, "--older-than is a time such as 30m, 12h or 5d");
    pick->filter.before_ms = clock_real_ms() - (int64_t)age_ms;
    return 0;
}

static int
by_words(const struct cli *cli, int argc, char **argv, struct queue_found **ids, size_t *count)
{
    *ids = xcalloc((size_t)argc, sizeof(**ids));
    *count = (size_t)argc;
    for (int i = 0; i < argc; i++) {
        if (!queue_id_valid(slice_of(argv[i]))) {
            xfree(ids);
            return cli_fail(cli, "%s: not a queue id", argv[i]);
        }
        (void)snprintf((*ids)[i].id, QUEUE_ID_SIZE, "%s", argv[i]);
    }
    return 0;
}

/* Keeps those that pass the whole filter. */
static void
sift(const struct spool *spool, const struct queue_filter *filter, struct queue_found *ids,
     size_t *count)
{
    size_t kept = 0;

    for (size_t i = 0; i < *count; i++) {
        struct strbuf object = strbuf_new(1u << 20);

        if (queue_list_add(spool, &ids[i], filter, &object))
            ids[kept++] = ids[i];
        strbuf_free(&object);
    }
    *count = kept;
}

struct collecting {
    struct queue_found *ids;
    size_t count;
    bool leave_damaged;
};

static bool
collect(void *arg, struct slice object)
{
    struct object_field *fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields));
    struct collecting *c = arg;
    int count = object_next(&object, fields);
    struct slice id = object_get(fields, (uint32_t)(count > 0 ? count : 0), "id");
    struct slice state = object_get(fields, (uint32_t)(count > 0 ? count : 0), "state");

    if (queue_id_valid(id) && !(c->leave_damaged && slice_eq(state, SLICE("corrupt")))) {
        if ((c->count & (c->count - 1)) == 0) /* a power of two is full */
            c->ids = xreallocarray(c->ids, c->count == 0 ? 1 : c->count * 2, sizeof(*c->ids));
        (void)snprintf(c->ids[c->count++].id, QUEUE_ID_SIZE, "%.*s", (int)id.len, id.ptr);
    }
    free(fields);
    return true;
}

static int
by_remote(struct cli *cli, const struct queue_pick *pick, struct queue_found **ids, size_t *count)
{
    struct collecting c = {.leave_damaged = pick->state == NULL};
    int rc = queue_remote_each(cli, pick, collect, &c);

    *ids = c.ids;
    *count = c.count;
    return rc;
}

int
queue_pick_ids(struct cli *cli, struct queue_pick *pick, int argc, char **argv,
               struct queue_found **ids, size_t *count)
{
    bool all = argc == 1 && strcmp(argv[0], "ALL") == 0;
    struct spool spool;
    int rc;

    if (argc > 0 && pick->filtered)
        return cli_usage(cli, "give ids or a filter, not both");
    if (argc == 0 && !pick->filtered)
        return cli_usage(cli, "give ids, a filter, or ALL");
    if (argc > 0 && !all)
        return by_words(cli, argc, argv, ids, count);
    if (cli->remote != NULL)
        return by_remote(cli, pick, ids, count);
    if (pick->filter.states == 0)
        pick->filter.states = ~(1u << SPOOL_CORRUPT);
    if (spool_open_readonly(&spool, cli->inst.queue) < 0)
        return cli_fail(cli, "cannot read %s: %s", cli->inst.queue, strerror(errno));
    rc = queue_list_find(&spool, &pick->filter, ids, count);
    if (rc == 0 && pick->filtered)
        sift(&spool, &pick->filter, *ids, count);
    spool_close(&spool);
    return rc == 0 ? 0 : cli_fail(cli, "cannot read the queue: %s", strerror(errno));
}

int
queue_pick_time(const struct cli *cli, const char *text, int64_t *ms)
{
    struct tm tm = {.tm_year = 0};
    uint64_t wait_ms;
    const char *end;

    if (text[0] == '+' && parse_duration_ms(slice_of(text + 1), FUTURE_MAX_MS, &wait_ms) == 0) {
        *ms = clock_real_ms() + (int64_t)wait_ms;
        return 0;
    }
    end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    if (end == NULL || *end != '\0')
        return cli_usage(cli, "--at is a time such as 2026-11-27T05:00:00Z or +2h");
    *ms = (int64_t)timegm(&tm) * 1000;
    return 0;
}
