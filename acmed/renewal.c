/*
 * acmed/renewal.c - times of renewals and of attempts. The window is the authority's.
 */
#include "acmed/renewal.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/base/random.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

enum { TRIES_MAX = 5 };

static int64_t
random_below(int64_t limit)
{
    return limit <= 0 ? 0 : (int64_t)(random_u64() % (uint64_t)limit);
}

void
renewal_plan(struct state *state)
{
    int64_t life = state->not_after_ms - state->not_before_ms;

    state->renew_ms = state->not_before_ms + life / 3 * 2 + random_below(life / 24);
}

/* RFC 9773 section 4.3.2: between a minute and a day. */
static int64_t
within_limits(int64_t ms)
{
    if (ms == 0)
        return 6 * HOUR; /* section 4.3.3: a header field that is missing */
    return ms < MINUTE ? MINUTE : ms > DAY ? DAY : ms;
}

/* Section 4.2: a random time within the window; chosen once, as long as the window stays. */
static void
take_window(struct state *state, const struct acme_answer *answer)
{
    struct slice why = answer->text[ACME_EXPLANATION];

    if (answer->start_ms != state->window_start_ms || answer->end_ms != state->window_end_ms)
        state->renew_ms = answer->start_ms + random_below(answer->end_ms - answer->start_ms);
    state->window_start_ms = answer->start_ms;
    state->window_end_ms = answer->end_ms;
    memcpy(state->explanation, why.ptr == NULL ? "" : why.ptr, why.len);
    state->explanation[why.len] = '\0';
}

/* Section 4.3.3: what may pass is tried again soon, some times. */
static void
look_failed(struct state *state, bool may_pass, int64_t now_ms)
{
    state->looks_failed++;
    if (may_pass && state->looks_failed <= TRIES_MAX) {
        state->look_ms = now_ms + (MINUTE << (state->looks_failed - 1));
        return;
    }
    state->looks_failed = 0;
    state->look_ms = now_ms + 6 * HOUR;
}

void
renewal_look(struct ca *ca, struct state *state, int64_t now_ms)
{
    const char *base = ca->url[ACME_RENEWAL_URL];
    char *url;

    state->look_ms = 0;
    if (base == NULL || state->cert_id[0] == '\0')
        return;
    url = xasprintf("%s%s%s", base, slice_ends(slice_of(base), SLICE("/")) ? "" : "/",
                    state->cert_id);
    if (ca_get(ca, "renewal information", slice_of(url), ACME_RENEWAL_INFO) < 0) {
        look_failed(state, ca->answer.http == 0 || ca->answer.http >= 500, now_ms);
    } else if (ca->answer.end_ms == 0) {
        look_failed(state, false, now_ms);
    } else {
        take_window(state, &ca->answer);
        state->looks_failed = 0;
        state->look_ms = now_ms + within_limits(ca->answer.retry_after_ms);
    }
    free(url);
}

void
renewal_put_off(struct state *state, int64_t retry_ms, int64_t not_before_ms, int64_t now_ms)
{
    int64_t pause = retry_ms;

    for (int64_t i = 1; i < state->failures && pause < DAY; i++)
        pause *= 2;
    if (pause > DAY)
        pause = DAY;
    state->next_ms = now_ms + pause + random_below(pause / 10);
    if (state->next_ms < not_before_ms)
        state->next_ms = not_before_ms + random_below(MINUTE);
}
