/*
 * lib/sts/sts_policy.c - parses MTA-STS records and policies.
 *
 * Input: written by whoever owns the recipient's domain. No I/O.
 */
#include "lib/sts/sts_policy.h"

#include "lib/base/parse.h"
#include "lib/base/txt_record.h"
#include "lib/mail/address.h"

static const char *const modes[] = {
    [STS_NONE] = "none", [STS_TESTING] = "testing", [STS_ENFORCE] = "enforce"};

const char *
sts_mode_word(enum sts_mode mode)
{
    return modes[mode];
}

/* ---- the record ---- */

static bool
is_id(struct slice id)
{
    for (size_t i = 0; i < id.len; i++) {
        unsigned char c = (unsigned char)id.ptr[i], letter = c | 0x20;

        if (!(c >= '0' && c <= '9') && !(letter >= 'a' && letter <= 'z'))
            return false;
    }
    return id.len > 0 && id.len <= STS_ID_MAX;
}

/* Section 3.1: "v=STSv1" first, then fields in any order; of several ids the first counts. */
int
sts_record_parse(struct slice record, struct slice *id)
{
    struct slice name, value;
    int more;

    *id = SLICE("");
    if (!txt_record_is(&record, SLICE("v=STSv1")))
        return 1;
    while ((more = txt_record_next(&record, &name, &value)) > 0) {
        if (id->len > 0 || !slice_eq(name, SLICE("id")))
            continue;
        *id = value;
        if (!is_id(value))
            return -1;
    }
    return more == 0 && id->len > 0 ? 0 : -1;
}

/* ---- the policy ---- */

enum { HAVE_VERSION = 1, HAVE_MODE = 2, HAVE_MAX_AGE = 4 };

static const char *
take_mode(struct slice value, struct sts_policy *policy)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        if (!slice_eq(value, slice_of(modes[i])))
            continue;
        policy->mode = (enum sts_mode)i;
        return NULL;
    }
    return "unknown mode";
}

static const char *
take_max_age(struct slice value, struct sts_policy *policy)
{
    uint64_t age;

    if (parse_u64(value, 9999999999u, &age) < 0)
        return "max_age is no number";
    policy->max_age_s = (uint32_t)(age > STS_MAX_AGE_MAX ? STS_MAX_AGE_MAX : age);
    return NULL;
}

static const char *
take_mx(struct slice value, struct sts_policy *policy)
{
    struct slice name = value;

    if (slice_starts(name, SLICE("*.")))
        name = slice_sub(name, 2, name.len);
    if (!address_is_domain(name, false))
        return "mx is no name";
    if (policy->mx_count == STS_MX_MAX)
        return "too many mx";
    policy->mx[policy->mx_count++] = value;
    return NULL;
}

/* Of a field that may stand once the first counts. */
static const char *
take_field(struct slice name, struct slice value, struct sts_policy *policy, unsigned *have)
{
    if (slice_eq(name, SLICE("mx")))
        return take_mx(value, policy);
    if (slice_eq(name, SLICE("version")) && !(*have & HAVE_VERSION)) {
        *have |= HAVE_VERSION;
        return slice_eq(value, SLICE("STSv1")) ? NULL : "unknown version";
    }
    if (slice_eq(name, SLICE("mode")) && !(*have & HAVE_MODE)) {
        *have |= HAVE_MODE;
        return take_mode(value, policy);
    }
    if (slice_eq(name, SLICE("max_age")) && !(*have & HAVE_MAX_AGE)) {
        *have |= HAVE_MAX_AGE;
        return take_max_age(value, policy);
    }
    return NULL;
}

const char *
sts_policy_parse(struct slice text, struct sts_policy *policy)
{
    unsigned have = 0;

    policy->mode = STS_NONE;
    policy->max_age_s = 0;
    policy->mx_count = 0;
    while (text.len > 0) {
        struct slice value = slice_trim(slice_split(&text, '\n')), name;
        const char *trouble;

        if (value.len == 0 && text.len == 0)
            break;
        if (slice_index(value, ':') == value.len)
            return "a line without a colon";
        name = slice_split(&value, ':');
        trouble = take_field(name, slice_trim(value), policy, &have);
        if (trouble != NULL)
            return trouble;
    }
    if (have != (HAVE_VERSION | HAVE_MODE | HAVE_MAX_AGE))
        return "version, mode or max_age is missing";
    return policy->mx_count == 0 && policy->mode != STS_NONE ? "no mx" : NULL;
}

bool
sts_policy_allows(const struct sts_policy *policy, struct slice host)
{
    struct slice behind = slice_sub(host, slice_index(host, '.'), host.len); /* ".d.test" */

    for (size_t i = 0; i < policy->mx_count; i++) {
        struct slice mx = policy->mx[i];

        if (slice_eq_nocase(mx, host) ||
            (mx.ptr[0] == '*' && slice_eq_nocase(slice_sub(mx, 1, mx.len), behind)))
            return true;
    }
    return false;
}
