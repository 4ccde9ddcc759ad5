/*
 * fuzz/fuzz_imap_command.c - the parsers of IMAP commands.
 *
 * The first byte chooses the parser of the arguments, so that each gets its share of the time.
 */
// LINK: imapd/parser.c
// LINK: imapd/seqset.c
// LINK: imapd/flag_list.c
// LINK: imapd/append_args.c
// LINK: imapd/fetch_args.c
// LINK: imapd/list_args.c
// LINK: imapd/mailbox_filter.c
// LINK: imapd/mailbox_name.c
// LINK: imapd/notify_args.c
// LINK: imapd/metadata_args.c
// LINK: imapd/partial_range.c
// LINK: imapd/search_args.c
// LINK: imapd/search_fuzzy.c
// LINK: imapd/select_args.c
// LINK: imapd/status_items.c
#include "imapd/append_args.h"
#include "imapd/fetch_args.h"
#include "imapd/list_args.h"
#include "imapd/mailbox_name.h"
#include "imapd/metadata_args.h"
#include "imapd/notify_args.h"
#include "imapd/search_args.h"
#include "imapd/select_args.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
use_set(struct seqset *set)
{
    seqset_resolve(set, 17);
    for (size_t i = 0; i < set->count; i++) {
        assert_always(set->ranges[i].first <= set->ranges[i].last && set->ranges[i].first > 0);
        assert_always(i == 0 || set->ranges[i].first > set->ranges[i - 1].last + 1);
    }
    (void)seqset_contains(set, 3);
}

static void
run_fetch(struct parser *p)
{
    struct fetch_args args;

    if (fetch_args_parse(p, &args))
        use_set(&args.set);
}

static void
run_search(struct parser *p)
{
    struct search_args args;

    (void)search_args_parse(p, &args);
}

static void
run_list(struct parser *p)
{
    struct list_args args;

    if (!list_args_parse(p, true, &args))
        return;
    for (size_t i = 0; i < args.pattern_count; i++)
        (void)mailbox_name_match(SLICE("INBOX/a/bb/ccc"), args.patterns[i]);
}

static void
run_append(struct parser *p)
{
    struct append_args args;

    (void)append_args_parse(p, &args);
    (void)append_args_end_in_message(p->rest, true, p->utf8, p->arena);
}

static void
run_select(struct parser *p)
{
    struct select_args args;

    if (select_args_parse(p, &args) && args.has_known)
        use_set(&args.known);
}

static void
run_metadata(struct parser *p)
{
    struct parser again = *p;
    struct annotation_change *changes;
    struct metadata_want want;
    struct slice mailbox;
    size_t count;

    (void)metadata_args_is_set(p->rest, p->arena);
    if (metadata_args_parse_get(p, &mailbox, &want))
        for (size_t i = 0; i < want.count; i++)
            assert_always(want.entries[i].len > 0 && want.entries[i].len <= ANNOTATION_NAME_MAX);
    if (metadata_args_parse_set(&again, &mailbox, &changes, &count))
        for (size_t i = 0; i < count; i++)
            assert_always(slice_starts(changes[i].name, SLICE("/")));
}

static void
run_notify(struct parser *p)
{
    struct notify_args args;
    struct fetch_args all = {.items = 0};

    if (!notify_args_parse(p, &args))
        return;
    assert_always((args.selected & ~NOTIFY_MESSAGE_EVENTS) == 0);
    (void)notify_args_events(&args, SLICE("INBOX/a/bb/ccc"), false, false);
    fetch_args_add(&all, &args.fetch, p->arena);
    fetch_args_add(&all, &args.fetch, p->arena);
}

static void
run_strings(struct parser *p)
{
    struct slice tag, name, value;
    int64_t days;

    if (parser_tag(p, &tag) && parser_space(p) && parser_atom(p, &name) && parser_space(p))
        while (parser_nstring(p, &value) && parser_space(p) && parser_mailbox(p, &value) &&
               parser_space(p) && parser_date(p, &days))
            ;
}

/* Every filter leads to others, without an end. */
static bool
find_filter(void *arg, struct slice name, struct arena *arena, struct slice *criteria)
{
    (void)arg;
    (void)arena;
    *criteria = name.len % 3 == 0 ? SLICE("OR FILTER abc NOT (FILTER a FILTER abcdef) UID 1:*")
                                  : SLICE("SUBJECT \"x\" 1");
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const runs[])(struct parser * p) = {run_fetch,    run_search,  run_list,
                                                      run_append,   run_strings, run_select,
                                                      run_metadata, run_notify};
    static const struct filter_source filters = {.find = find_filter};
    struct arena arena = {NULL};
    struct parser p;

    if (size == 0)
        return 0;
    p = parser_begin(slice_make(data + 1, size - 1), &arena);
    p.filters = &filters;
    p.utf8 = data[0] >= 128;
    runs[data[0] % ARRAY_LEN(runs)](&p);
    assert_always(p.rest.len <= size);
    arena_free(&arena);
    return 0;
}
