/*
 * fuzz/fuzz_monitor_rules.c - monitoring.rules: any text is read or refused, and every address that
 * a rule monitors finds it.
 */
#include <stdint.h>

#include "lib/base/mem.h"
#include "lib/conf/monitor_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct wanted {
    const struct monitor_rule *rule;
    bool found;
};

static void
look(void *arg, const struct monitor_rule *rule)
{
    struct wanted *wanted = arg;

    wanted->found |= rule == wanted->rule;
}

static void
find_all(const struct monitor_rules *rules, const struct monitor_rule *rule)
{
    for (size_t i = 0; i < rule->monitored_count; i++) {
        struct wanted wanted = {.rule = rule};

        monitor_rules_find(rules, rule->monitored[i], NULL, look, &wanted);
        assert_always(wanted.found);
    }
    for (size_t i = 0; i < rule->outgoing.count; i++)
        assert_always(rule->outgoing.items[i] < monitor_rules_copies(rules));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strbuf errors = strbuf_new(1u << 16);
    struct monitor_rules *rules = monitor_rules_parse(slice_make(data, size), "fuzz", &errors);

    assert_always((rules == NULL) == (errors.len > 0 || errors.overflow));
    for (size_t i = 0; rules != NULL && i < monitor_rules_count(rules); i++) {
        const struct monitor_rule *rule = monitor_rules_at(rules, i);

        assert_always(monitor_rules_named(rules, slice_of(rule->name)) == rule);
        assert_always(rule->first <= rule->last && rule->monitored_count > 0);
        find_all(rules, rule);
    }
    monitor_rules_free(&rules);
    strbuf_free(&errors);
    return 0;
}
