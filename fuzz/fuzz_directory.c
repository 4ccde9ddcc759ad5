/*
 * fuzz/fuzz_directory.c - what a session asks directoryd, as if it were in an attacker's hands, of
 * a tree with contacts, groups and units; behind a zero byte pair, objects of accountd's that
 * change it first. What is answered can be read, goes on, and comes to an end.
 */
// LINK: directoryd/store.c
// LINK: directoryd/grams.c
// LINK: directoryd/book.c
// LINK: directoryd/intake.c
// LINK: directoryd/search.c
// LINK: directoryd/group.c
// LINK: directoryd/unit.c
#include <stdint.h>

#include "directoryd/intake.h"
#include "directoryd/search.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTS_MAX = 50 };

static void
take(struct book *book, const char *kind, const char *name, const char *property, const char *value)
{
    const struct object_field fields[] = {{SLICE("kind"), slice_of(kind)},
                                          {SLICE("name"), slice_of(name)},
                                          {SLICE("full_name"), SLICE("J\xc3\xb6rg Smith")},
                                          {slice_of(property), slice_of(value)}};

    assert_always(book_take(book, fields, ARRAY_LEN(fields)) == 0);
}

static struct book
some_book(void)
{
    struct book book = book_new();

    take(&book, "domain", "d.test", "contacts_own_users_only", "no");
    take(&book, "contact", "smith@d.test", "addresses", "s@x.test t@y.test");
    take(&book, "contact", "out@outside", "city", "Paris");
    take(&book, "unit", "acme@d.test", "description", "x");
    take(&book, "unit", "sales@d.test", "parent", "acme");
    take(&book, "unit", "north@d.test", "parent", "sales");
    take(&book, "group", "staff@d.test", "shown", "mmm");
    take(&book, "members", "staff@d.test", "members", "usmith@d.test gstaff@d.test ox@far.test");
    return book;
}

static void
take_objects(struct book *book, struct slice data)
{
    intake(book, data);
    book_tidy(book);
}

static void
look_at(const struct directory_found *found, struct slice rest,
        const struct directory_search *search)
{
    struct ldap_entry entry;
    unsigned count = 0;
    int rc;

    assert_always(found->count <= search->wanted && found->last >= search->after);
    assert_always(!found->more || found->last > search->after);
    while ((rc = directory_entry_next(&rest, &entry)) == 1) {
        struct slice fields = entry.fields, value;
        enum ldap_field field;
        int next;

        count++;
        while ((next = ldap_fields_next(&fields, &field, &value)) == 1)
            continue;
        assert_always(next == 0);
    }
    assert_always(rc == 0 && count == found->count);
}

static void
ask(const struct book *book, struct slice question)
{
    static struct ldap_filter *filter;
    static struct ldap_dn base;
    const struct tree tree = {book->store, book->grams, SLICE("o"), SLICE("posthorn"),
                              "o=posthorn"};
    const struct viewer viewer = {.as = {SLICE("smith@d.test"), SLICE("staff@d.test"), false},
                                  .domain = SLICE("d.test")};
    struct directory_search search;
    struct strbuf entries = strbuf_new(DIRECTORY_PAYLOAD_MAX);
    struct directory_found found = {.more = true};

    if (filter == NULL) {
        filter = ldap_filter_new();
        base = ldap_dn_new();
        assert_always(ldap_dn_parse(SLICE("o=posthorn"), &base) == 0);
        filter->base = &base;
    }
    if (directory_search_decode(question, &search, filter) == 0 && ldap_filter_fold(filter) == 0)
        for (int i = 0; i < PARTS_MAX && found.more; i++) {
            strbuf_clear(&entries);
            search_run(&tree, &viewer, &search, filter, &entries, &found);
            assert_always(!entries.overflow);
            look_at(&found, strbuf_slice(&entries), &search);
            search.after = found.last;
        }
    strbuf_free(&entries);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = xmalloc(size + 1); /* of that size: no byte more may be looked at */
    struct slice all = slice_make(copy, size);
    struct book book = some_book();

    if (size > 0)
        memcpy(copy, data, size);
    if (size > 4 && copy[0] == 0 && copy[1] == 0) {
        size_t len = (size_t)copy[2] << 8 | copy[3];

        take_objects(&book, slice_sub(all, 4, 4 + len));
        all = slice_sub(all, 4 + len, all.len);
    }
    ask(&book, all);
    book_free(&book);
    xfree(&copy);
    return 0;
}
