/*
 * t/unit/test_imap_mailbox_name.c - imapd/mailbox_name: the patterns of LIST.
 */
// LINK: imapd/mailbox_name.c
#include "imapd/mailbox_name.h"
#include "t/unit/table_run.h"

static const struct {
    const char *name, *pattern;
    bool match;
} patterns[] = {
    {"INBOX", "*", true},
    {"INBOX", "inbox", true},
    {"INBOX/a", "inBOX/a", true},
    {"INBOX/a", "inBOX/A", false},
    {"a", "A", false},
    {"a/b", "*", true},
    {"a/b", "%", false},
    {"a", "%", true},
    {"a/b", "a/%", true},
    {"a/b/c", "a/%", false},
    {"a/b/c", "a/*", true},
    {"a/b/c", "a/%/c", true},
    {"a/b/c", "%/%", false},
    {"a/b/c", "%/%/%", true},
    {"abc", "a*c", true},
    {"abcbc", "a*bc", true},
    {"ab/cb", "a%b", false},
    {"ab/cb", "a*b", true},
    {"aab/x", "%a%/x", true},
    {"a/xb", "*%b", true},
    {"a/bc", "*/%", true},
    {"", "", true},
    {"a", "", false},
    {"", "%", true},
    {"x/foo/y", "*foo%", false},
    {"x/foo/y/foo", "*foo%", true},
    {"ab", "%%%%%%%%b", true},
};

START_TEST(patterns_match_names)
{
    ck_assert_msg(mailbox_name_match(slice_of(patterns[_i].name), slice_of(patterns[_i].pattern)) ==
                      patterns[_i].match,
                  "%s against %s", patterns[_i].name, patterns[_i].pattern);
}
END_TEST

int
main(void)
{
    return table_run("imap_mailbox_name", patterns_match_names, (int)ARRAY_LEN(patterns));
}
