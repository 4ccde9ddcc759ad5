/*
 * t/unit/test_imap_notify.c - imapd/notify_args: the arguments of NOTIFY (RFC 5465 section 8).
 */
// LINK: imapd/parser.c
// LINK: imapd/seqset.c
// LINK: imapd/fetch_args.c
// LINK: imapd/mailbox_filter.c
// LINK: imapd/notify_args.c
// LINK: imapd/partial_range.c
#include "imapd/notify_args.h"
#include "t/unit/table_run.h"

#define MESSAGES (NOTIFY_MESSAGE_NEW | NOTIFY_MESSAGE_EXPUNGE)
enum { WRONG, OK, UNSUPPORTED };

static const struct {
    const char *text;
    int outcome;
    unsigned selected;  /* events */
    const char *folder; /* events of this one, not subscribed */
    unsigned events;
} notifies[] = {
    {" NONE", OK, 0, "a", 0},
    {" none ", WRONG, 0, NULL, 0},
    {" SET", WRONG, 0, NULL, 0},
    {" SET STATUS", WRONG, 0, NULL, 0},
    {" SET (selected NONE)", OK, 0, "a", 0},
    {" SET STATUS (selected-delayed (messagenew messageexpunge))", OK, MESSAGES, "a", 0},
    {" SET (selected (MessageNew (uid flags body.peek[1]<0.9>) MessageExpunge FlagChange))", OK,
     MESSAGES | NOTIFY_FLAG_CHANGE, "a", 0},
    {" SET (selected (MessageExpunge MessageNew (all)))", WRONG, 0, NULL, 0},
    {" SET (selected (MessageNew MessageExpunge)) (selected-delayed NONE)", WRONG, 0, NULL, 0},
    {" SET (selected (MailboxName))", WRONG, 0, NULL, 0},
    {" SET (personal (MessageNew (uid) MessageExpunge))", WRONG, 0, NULL, 0},
    {" SET (personal (MessageNew))", WRONG, 0, NULL, 0},
    {" SET (personal (FlagChange))", WRONG, 0, NULL, 0},
    {" SET (personal (AnnotationChange))", WRONG, 0, NULL, 0},
    {" SET (personal (AnnotationChange MessageNew MessageExpunge))", UNSUPPORTED, 0, NULL, 0},
    {" SET (personal (SomethingElse))", UNSUPPORTED, 0, NULL, 0},
    {" SET (personal MailboxName)", WRONG, 0, NULL, 0},
    {" SET (personal ())", WRONG, 0, NULL, 0},
    {" SET (subtree-one a (MailboxName))", WRONG, 0, NULL, 0},
    {" SET (personal (MailboxName)) ", WRONG, 0, NULL, 0},
    {" SET (personal (MailboxName) )", WRONG, 0, NULL, 0},
    {" SET (personal (MailboxName))", OK, 0, "a", NOTIFY_MAILBOX_NAME},
    {" SET (inboxes (MailboxName))", OK, 0, "a", NOTIFY_MAILBOX_NAME},
    {" SET (personal (MailboxName))", OK, 0, "@a", 0},
    {" SET (subscribed (MailboxName))", OK, 0, "a", 0},
    {" SET (subtree (b a) (MailboxName))", OK, 0, "a/b/c", NOTIFY_MAILBOX_NAME},
    {" SET (subtree a (MailboxName))", OK, 0, "abc", 0},
    {" SET (mailboxes inbox (MailboxName))", OK, 0, "INBOX", NOTIFY_MAILBOX_NAME},
    {" SET (mailboxes \"a*\" (MailboxName))", OK, 0, "ab", 0},
    {" SET (mailboxes a (MailboxName)) (personal (SubscriptionChange)) (subtree a NONE)", OK, 0,
     "a", NOTIFY_MAILBOX_NAME | NOTIFY_SUBSCRIPTION_CHANGE},
};

START_TEST(notify_follows_its_grammar)
{
    struct arena arena = {NULL};
    struct parser p = parser_begin(slice_of(notifies[_i].text), &arena);
    struct notify_args args;
    bool ok = notify_args_parse(&p, &args);
    struct slice folder = slice_of(notifies[_i].folder);

    ck_assert_msg(ok == (notifies[_i].outcome != WRONG), "row %d: %s", _i, notifies[_i].text);
    ck_assert_int_eq(p.error == NULL, ok);
    if (!ok) {
        arena_free(&arena);
        return;
    }
    ck_assert_int_eq(args.unsupported, notifies[_i].outcome == UNSUPPORTED);
    ck_assert_uint_eq(args.selected, notifies[_i].selected);
    if (folder.len > 0)
        ck_assert_uint_eq(notify_args_events(&args, folder, false, folder.ptr[0] == '@'),
                          notifies[_i].events);
    arena_free(&arena);
}
END_TEST

int
main(void)
{
    return table_run("imap_notify", notify_follows_its_grammar, (int)ARRAY_LEN(notifies));
}
