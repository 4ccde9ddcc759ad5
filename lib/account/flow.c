/*
 * lib/account/flow.c - how much a mailbox may send. No I/O.
 */
#include "lib/account/flow.h"

#include "lib/base/mem.h"
#include "lib/base/parse.h"

#define HOUR_MS 3600000
#define DAY_MS 86400000

const struct flow_allowances flow_any = {
    {FLOW_NO_LIMIT, "", false}, {FLOW_NO_LIMIT, "", false}, {FLOW_NO_LIMIT, "", false}};

static uint64_t
limit_of(const struct record *user, enum account_property id)
{
    uint64_t value = record_u64(user, id);

    return value == 0 ? FLOW_NO_LIMIT : value;
}

void
flow_limits_of(const struct record *user, uint64_t hour_rcpts, struct flow_limits *limits)
{
    *limits = (struct flow_limits){.message_rcpts = limit_of(user, USER_MESSAGE_RCPTS),
                                   .message_bytes = limit_of(user, USER_MESSAGE_BYTES),
                                   .hour_rcpts = limit_of(user, USER_HOUR_RCPTS),
                                   .local_rcpts = limit_of(user, USER_DAY_LOCAL_RCPTS),
                                   .local_bytes = limit_of(user, USER_DAY_LOCAL_BYTES),
                                   .remote_rcpts = limit_of(user, USER_DAY_REMOTE_RCPTS),
                                   .remote_bytes = limit_of(user, USER_DAY_REMOTE_BYTES)};
    if (limits->hour_rcpts == FLOW_NO_LIMIT && hour_rcpts > 0)
        limits->hour_rcpts = hour_rcpts;
}

bool
flow_is_limited(const struct flow_limits *l)
{
    const uint64_t all[] = {l->message_rcpts, l->message_bytes, l->hour_rcpts,  l->local_rcpts,
                            l->local_bytes,   l->remote_rcpts,  l->remote_bytes};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i] != FLOW_NO_LIMIT)
            return true;
    return false;
}

void
flow_use_until(struct flow_use *use, int64_t now_ms)
{
    uint64_t hour = (uint64_t)(now_ms / HOUR_MS), day = (uint64_t)(now_ms / DAY_MS);

    if (use->hour != hour)
        use->hour_rcpts = 0;
    if (use->day != day)
        use->local_rcpts = use->local_bytes = use->remote_rcpts = use->remote_bytes = 0;
    use->hour = hour;
    use->day = day;
}

static uint64_t
left(uint64_t limit, uint64_t used)
{
    if (limit == FLOW_NO_LIMIT)
        return limit;
    return used < limit ? limit - used : 0;
}

/* The smaller one holds. */
static void
bound(struct flow_allowance *a, uint64_t max, enum account_property id)
{
    if (max >= a->max)
        return;
    a->for_now = id != USER_MESSAGE_RCPTS && id != USER_MESSAGE_BYTES;
    a->max = max;
    a->limit = account_properties[id].name;
}

void
flow_allow(const struct flow_limits *l, const struct flow_use *use, bool remote,
           struct flow_allowances *out)
{
    *out = flow_any;
    bound(&out->rcpts, l->message_rcpts, USER_MESSAGE_RCPTS);
    bound(&out->rcpts, left(l->hour_rcpts, use->hour_rcpts), USER_HOUR_RCPTS);
    bound(&out->bytes, l->message_bytes, USER_MESSAGE_BYTES);
    if (remote) {
        bound(&out->class_rcpts, left(l->remote_rcpts, use->remote_rcpts), USER_DAY_REMOTE_RCPTS);
        bound(&out->bytes, left(l->remote_bytes, use->remote_bytes), USER_DAY_REMOTE_BYTES);
    } else {
        bound(&out->class_rcpts, left(l->local_rcpts, use->local_rcpts), USER_DAY_LOCAL_RCPTS);
        bound(&out->bytes, left(l->local_bytes, use->local_bytes), USER_DAY_LOCAL_BYTES);
    }
}

const char *
flow_exceeded(const struct flow_limits *l, const struct flow_use *use, const struct flow_message *m)
{
    const struct {
        uint64_t amount, max;
        enum account_property id;
    } sums[] = {
        {m->local_rcpts, FLOW_NO_LIMIT - m->remote_rcpts, USER_MESSAGE_RCPTS}, /* no overflow */
        {m->local_rcpts + m->remote_rcpts, l->message_rcpts, USER_MESSAGE_RCPTS},
        {m->bytes, l->message_bytes, USER_MESSAGE_BYTES},
        {m->local_rcpts + m->remote_rcpts, left(l->hour_rcpts, use->hour_rcpts), USER_HOUR_RCPTS},
        {m->local_rcpts, left(l->local_rcpts, use->local_rcpts), USER_DAY_LOCAL_RCPTS},
        {m->remote_rcpts, left(l->remote_rcpts, use->remote_rcpts), USER_DAY_REMOTE_RCPTS},
        {m->local_rcpts > 0 ? m->bytes : 0, left(l->local_bytes, use->local_bytes),
         USER_DAY_LOCAL_BYTES},
        {m->remote_rcpts > 0 ? m->bytes : 0, left(l->remote_bytes, use->remote_bytes),
         USER_DAY_REMOTE_BYTES},
    };

    for (size_t i = 0; i < ARRAY_LEN(sums); i++)
        if (sums[i].amount > sums[i].max)
            return account_properties[sums[i].id].name;
    return NULL;
}

static void
add(uint64_t *sum, uint64_t amount)
{
    *sum = amount < UINT64_MAX - *sum ? *sum + amount : UINT64_MAX;
}

void
flow_count(struct flow_use *use, const struct flow_message *m)
{
    add(&use->hour_rcpts, m->local_rcpts);
    add(&use->hour_rcpts, m->remote_rcpts);
    add(&use->local_rcpts, m->local_rcpts);
    add(&use->remote_rcpts, m->remote_rcpts);
    if (m->local_rcpts > 0)
        add(&use->local_bytes, m->bytes);
    if (m->remote_rcpts > 0)
        add(&use->remote_bytes, m->bytes);
}

static void
take_off(uint64_t *sum, uint64_t amount)
{
    *sum = amount < *sum ? *sum - amount : 0;
}

void
flow_uncount(struct flow_use *use, const struct flow_message *m)
{
    take_off(&use->hour_rcpts, m->local_rcpts);
    take_off(&use->hour_rcpts, m->remote_rcpts);
    take_off(&use->local_rcpts, m->local_rcpts);
    take_off(&use->remote_rcpts, m->remote_rcpts);
    if (m->local_rcpts > 0)
        take_off(&use->local_bytes, m->bytes);
    if (m->remote_rcpts > 0)
        take_off(&use->remote_bytes, m->bytes);
}

/* ---- as a row ---- */

enum { ROW_FIELDS = 7 };

static void
fields_of(struct flow_use *use, uint64_t *fields[ROW_FIELDS])
{
    uint64_t *const all[ROW_FIELDS] = {&use->hour,        &use->day,         &use->hour_rcpts,
                                       &use->local_rcpts, &use->local_bytes, &use->remote_rcpts,
                                       &use->remote_bytes};

    for (size_t i = 0; i < ROW_FIELDS; i++)
        fields[i] = all[i];
}

void
flow_use_print(const struct flow_use *use, struct strbuf *out)
{
    struct flow_use copy = *use;
    uint64_t *fields[ROW_FIELDS];

    fields_of(&copy, fields);
    for (size_t i = 0; i < ROW_FIELDS; i++) {
        if (i > 0)
            (void)strbuf_char(out, ' '); /* the caller's buffer holds seven numbers */
        (void)strbuf_u64(out, *fields[i]);
    }
}

int
flow_use_parse(struct slice text, struct flow_use *use)
{
    uint64_t *fields[ROW_FIELDS];

    fields_of(use, fields);
    for (size_t i = 0; i < ROW_FIELDS; i++)
        if (parse_u64(slice_split(&text, ' '), UINT64_MAX, fields[i]) < 0)
            return -1;
    return text.len == 0 ? 0 : -1;
}
