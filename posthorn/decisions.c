/*
 * posthorn/decisions.c - keeps and compares the steps of two explanations of the same message.
 */
#include "posthorn/decisions.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

void
decisions_add(struct decisions *d, const struct explain_step *step, bool of_delivery)
{
    if (d->count == d->allocated) {
        d->allocated = d->allocated == 0 ? 16 : d->allocated * 2;
        d->items = xreallocarray(d->items, d->allocated, sizeof(d->items[0]));
    }
    d->items[d->count++] = (struct decision){step->step, step->verdict, xslicedup(step->detail),
                                             step->cite, of_delivery};
}

void
decisions_clear(struct decisions *d)
{
    for (size_t i = 0; i < d->count; i++)
        free(d->items[i].detail);
    xfree(&d->items);
    *d = (struct decisions){.items = NULL};
}

static bool
is_accepted(const struct decision *d)
{
    return strcmp(d->verdict, "accepted") == 0;
}

/* Why something is accepted may differ: it is accepted. */
static bool
same(const struct decision *a, const struct decision *b)
{
    return strcmp(a->step, b->step) == 0 && strcmp(a->verdict, b->verdict) == 0 &&
           (is_accepted(a) || strcmp(a->detail, b->detail) == 0);
}

bool
decisions_equal(const struct decisions *a, const struct decisions *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i].step, b->items[i].step) != 0 ||
            strcmp(a->items[i].verdict, b->items[i].verdict) != 0 ||
            strcmp(a->items[i].detail, b->items[i].detail) != 0)
            return false;
    return true;
}

/* ---- reception ---- */

/* Steps before the delivery. */
static size_t
reception_steps(const struct decisions *d)
{
    size_t count = 0;

    while (count < d->count && !d->items[count].of_delivery)
        count++;
    return count;
}

/* The step that refuses the message, or NULL: it is taken. */
static const struct decision *
refusal(const struct decisions *d)
{
    size_t count = reception_steps(d);

    return count > 0 && !is_accepted(&d->items[count - 1]) ? &d->items[count - 1] : NULL;
}

static size_t
compare_reception(const struct decisions *before, const struct decisions *after,
                  struct decision_change *changes)
{
    size_t counts[2] = {reception_steps(before), reception_steps(after)};
    const struct decision *refusals[2] = {refusal(before), refusal(after)};
    size_t at = 0, count = 0;

    while (at < counts[0] && at < counts[1] && same(&before->items[at], &after->items[at]))
        at++;
    if (at == counts[0] && at == counts[1])
        return 0;
    changes[0] = (struct decision_change){at < counts[0] ? &before->items[at] : NULL,
                                          at < counts[1] ? &after->items[at] : NULL};
    count = 1;
    if (refusals[0] == changes[0].before)
        refusals[0] = NULL;
    if (refusals[1] == changes[0].after)
        refusals[1] = NULL;
    if (refusals[0] != NULL || refusals[1] != NULL) /* a later step refuses what is let on */
        changes[count++] = (struct decision_change){refusals[0], refusals[1]};
    return count;
}

/* ---- delivery ---- */

/* The steps of one kind. */
struct kind {
    const struct decision **steps; /* NULL: the other side has it as well */
    size_t count;
};

static void
collect(const struct decisions *d, const char *step, struct kind *kind)
{
    kind->count = 0;
    for (size_t i = 0; i < d->count; i++)
        if (d->items[i].of_delivery && strcmp(d->items[i].step, step) == 0)
            kind->steps[kind->count++] = &d->items[i];
}

/* Takes out what both have. False: that is all of it, and in the same order. */
static bool
take_out_same(struct kind *before, struct kind *after)
{
    size_t matched = 0, last = 0, at;
    bool in_order = true;

    for (size_t i = 0; i < before->count; i++) {
        for (at = 0; at < after->count; at++)
            if (after->steps[at] != NULL && same(before->steps[i], after->steps[at]))
                break;
        if (at == after->count)
            continue;
        in_order = in_order && at >= last;
        last = at;
        before->steps[i] = after->steps[at] = NULL;
        matched++;
    }
    return matched < before->count || matched < after->count || !in_order;
}

static const struct decision *
next_left(const struct kind *kind, size_t *at)
{
    while (*at < kind->count && kind->steps[*at] == NULL)
        (*at)++;
    return *at < kind->count ? kind->steps[(*at)++] : NULL;
}

/* Of those that are left, the first beside the first. */
static size_t
pair_up(const struct kind *before, const struct kind *after, struct decision_change *changes)
{
    size_t at[2] = {0, 0}, count = 0;

    for (;;) {
        struct decision_change c = {next_left(before, &at[0]), next_left(after, &at[1])};

        if (c.before == NULL && c.after == NULL)
            return count;
        changes[count++] = c;
    }
}

static size_t
compare_kind(const struct decisions *before, const struct decisions *after, const char *step,
             struct decision_change *changes)
{
    struct kind was = {xcalloc(before->count + 1, sizeof(const struct decision *)), 0};
    struct kind is = {xcalloc(after->count + 1, sizeof(const struct decision *)), 0};
    size_t count = 0;

    collect(before, step, &was);
    collect(after, step, &is);
    if (take_out_same(&was, &is)) {
        count = pair_up(&was, &is, changes);
        if (count == 0) { /* they are the same in another order, which is the one of attempts */
            collect(before, step, &was);
            collect(after, step, &is);
            count = pair_up(&was, &is, changes);
        }
    }
    free(was.steps);
    free(is.steps);
    return count;
}

/* Is none of its kind before it, or in `d` at all if it is of the other side? */
static bool
is_first(const struct decisions *d, const struct decision *step)
{
    for (size_t i = 0; i < d->count && &d->items[i] != step; i++)
        if (d->items[i].of_delivery && strcmp(d->items[i].step, step->step) == 0)
            return false;
    return true;
}

static size_t
compare_delivery(const struct decisions *before, const struct decisions *after,
                 struct decision_change *changes)
{
    size_t count = 0;

    for (size_t i = 0; i < before->count; i++) {
        const struct decision *step = &before->items[i];

        if (step->of_delivery && is_first(before, step))
            count += compare_kind(before, after, step->step, changes + count);
    }
    for (size_t i = 0; i < after->count; i++) {
        const struct decision *step = &after->items[i];

        if (step->of_delivery && is_first(after, step) && is_first(before, step))
            count += compare_kind(before, after, step->step, changes + count);
    }
    return count;
}

size_t
decisions_compare(const struct decisions *before, const struct decisions *after,
                  struct decision_change **changes)
{
    /* each step stands in at most one change */
    *changes = xcalloc(before->count + after->count + 2, sizeof(**changes));
    if (refusal(before) != NULL || refusal(after) != NULL)
        return compare_reception(before, after, *changes);
    return compare_delivery(before, after, *changes);
}
