/*
 * lib/remote/sts.c - asks for the MTA-STS policy of a domain.
 *
 * Input: the TXT record and the policy, both written by whoever owns the domain. A record that is
 * missing, or an answer that does not come, takes no policy away that stsd still has (RFC 8461
 * section 3.1).
 */
#include "lib/remote/sts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/ipc/dnsd.h"
#include "lib/ipc/stsd.h"
#include "lib/log/log.h"

struct sts
sts_new(void)
{
    return (struct sts){.text = strbuf_new(STS_TEXT_MAX)};
}

void
sts_free(struct sts *sts)
{
    strbuf_free(&sts->text);
}

static int
left_of(int64_t deadline_mono_ms)
{
    int64_t left = deadline_mono_ms - clock_mono_ms();

    return left < 1 ? 1 : (int)left;
}

/* Section 3.1: exactly one record that is about MTA-STS, and that one right. `id` has room for
 * STS_ID_MAX bytes and NUL; "": there is none. */
static void
ask_id(struct ipc_client *dns, const char *domain, int64_t deadline_mono_ms, char *id)
{
    char name[DNSD_NAME_MAX + 16];
    struct dnsd_answer answer;
    struct slice found = SLICE("");
    unsigned records = 0;

    id[0] = '\0';
    (void)snprintf(name, sizeof(name), "_mta-sts.%s", domain);
    dnsd_call(dns, DNS_TXT, slice_of(name), left_of(deadline_mono_ms), &answer);
    for (uint32_t i = 0; i < answer.count; i++) {
        struct slice one;
        int rc = sts_record_parse(answer.records[i].data, &one);

        if (rc == 0)
            found = one;
        records += rc <= 0;
        if (rc < 0)
            return;
    }
    if (records != 1)
        return;
    memcpy(id, found.ptr, found.len); /* sts_record_parse: at most STS_ID_MAX */
    id[found.len] = '\0';
}

int
sts_look_up(struct ipc_client *dns, struct ipc_client *stsd, const char *domain,
            int64_t deadline_mono_ms, struct sts *sts)
{
    char id[STS_ID_MAX + 1];
    struct stsd_query query = {.domain = slice_of(domain)};

    sts->policy.mode = STS_NONE;
    strbuf_clear(&sts->text);
    ask_id(dns, domain, deadline_mono_ms, id);
    query.id = slice_of(id);
    if (stsd_call(stsd, &query, left_of(deadline_mono_ms), &sts->text) < 0) {
        log_event(LOG_WARN, "sts_away", KV_STR("domain", domain), KV_ERRNO());
        return -1;
    }
    if (sts->text.len > 0 && sts_policy_parse(strbuf_slice(&sts->text), &sts->policy) != NULL)
        sts->policy.mode = STS_NONE; /* stsd lets none of these through */
    return 0;
}
