/*
 * lib/account/usual.c - how much mail is usual for a user. No I/O.
 */
#include "lib/account/usual.h"

#include "lib/base/parse.h"

#define DAY_MS 86400000
#define AMOUNT_MAX (UINT64_C(1) << 40) /* no product overflows */

static void
begin_day(struct usual *u, uint64_t day)
{
    if (u->day == day)
        return;
    if (u->sent > 0) {
        u->amount -= u->amount / 8;
        if (u->amount < 8 * u->sent)
            u->amount = 8 * u->sent;
        u->days++;
    }
    u->day = day;
    u->sent = u->held = 0;
}

bool
usual_count(struct usual *u, uint64_t rcpts, const struct usual_limits *limits, int64_t now_ms)
{
    uint64_t sum;
    bool unusual;

    begin_day(u, (uint64_t)now_ms / DAY_MS);
    sum = u->sent + u->held + rcpts;
    unusual = limits->factor > 0 && u->days >= limits->days && sum > limits->min &&
              sum * 8 > limits->factor * u->amount;
    if (sum > AMOUNT_MAX / 8)
        return unusual;
    if (unusual)
        u->held += rcpts;
    else
        u->sent += rcpts;
    return unusual;
}

void
usual_uncount(struct usual *u, uint64_t rcpts, bool held)
{
    uint64_t *sum = held ? &u->held : &u->sent;

    *sum = rcpts < *sum ? *sum - rcpts : 0;
}

void
usual_print(const struct usual *u, struct strbuf *out)
{
    const uint64_t numbers[] = {u->day, u->sent, u->held, u->amount, u->days};

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        if (i > 0)
            (void)strbuf_char(out, ' ');
        (void)strbuf_u64(out, numbers[i]);
    }
}

int
usual_parse(struct slice text, struct usual *u)
{
    struct usual read = {0};
    uint64_t *numbers[] = {&read.day, &read.sent, &read.held, &read.amount, &read.days};

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (parse_u64(slice_split(&text, ' '), AMOUNT_MAX, numbers[i]) < 0)
            return -1;
    *u = read;
    return text.len == 0 ? 0 : -1;
}
