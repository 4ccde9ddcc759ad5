/*
 * t/tools/journaldump.c - prints a mailbox journal, record by record: journaldump DIRECTORY
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store/journal.h"

static void
print_ranges(const char *what, const struct item *item)
{
    (void)printf("    %s", what);
    for (uint32_t i = 0; i < item->range_count; i++)
        (void)printf(" %u:%u", item_range(item, i).first, item_range(item, i).last);
    (void)printf("\n");
}

static void
print_item(const struct item *item)
{
    switch (item->type) {
    case ITEM_ARRIVE:
        (void)printf("    arrive uid %u flags %x keywords %" PRIx64 " size %" PRIu64
                     " name %.*s key %.*s\n",
                     item->arrival.m.uid, item->arrival.m.flags, item->arrival.m.keywords,
                     item->arrival.m.size, (int)item->arrival.name.len, item->arrival.name.ptr,
                     (int)item->arrival.key.len, item->arrival.key.ptr);
        break;
    case ITEM_EXPUNGE:
        print_ranges("expunge", item);
        break;
    case ITEM_VOID:
        print_ranges("void", item);
        break;
    case ITEM_FLAGS:
        (void)printf("    flags off %x on %x\n", item->off, item->on);
        print_ranges("  of", item);
        break;
    case ITEM_KEYWORD:
        (void)printf("    keyword %u %.*s\n", item->bit, (int)item->text.len, item->text.ptr);
        break;
    case ITEM_GONE:
        for (uint32_t i = 0; i < item->range_count; i++)
            (void)printf("    gone %u:%u modseq %" PRIu64 "\n", item_gone(item, i).first,
                         item_gone(item, i).last, item_gone(item, i).modseq);
        break;
    case ITEM_KEY:
        (void)printf("    key %.*s\n", (int)item->text.len, item->text.ptr);
        break;
    case ITEM_ORIGIN:
        (void)printf("    from %.*s (%s)\n", (int)item->text.len, item->text.ptr, item->mailbox_id);
        print_ranges("  uids", item);
        break;
    }
}

static int
print_record(void *arg, const struct record *rec)
{
    struct item item;
    size_t at = 0;

    (void)arg;
    (void)printf("%" PRIu64 "-%" PRIu64 " %s%s settled %" PRIu64 " at %" PRId64
                 " uidnext %u count %u unseen %u recent %u/%u bytes %" PRIu64 " user %" PRIu64
                 "/%" PRIu64 " modseq %" PRIu64 "\n",
                 rec->offset, rec->end, (rec->flags & RECORD_LASTING) != 0 ? "lasting " : "",
                 rec->marked ? "marked" : "-", rec->settled, rec->written_ms, rec->state.uidnext,
                 rec->state.count, rec->state.unseen, rec->state.recent, rec->state.recent_uid,
                 rec->state.bytes, rec->state.user_bytes, rec->state.user_messages,
                 rec->state.modseq);
    while (record_next_item(rec, &at, &item) > 0)
        print_item(&item);
    return 0;
}

int
main(int argc, char **argv)
{
    int dirfd = argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    struct journal j;
    uint64_t size, end;
    bool replaced;

    if (dirfd < 0 || journal_open(&j, dirfd, false) < 0 || journal_look(&j, &size, &replaced) < 0) {
        (void)fprintf(stderr, "usage: journaldump DIRECTORY (%s)\n", strerror(errno));
        return EXIT_FAILURE;
    }
    (void)printf("uidvalidity %u generation %u id %s checkpoint end %" PRIu64 " size %" PRIu64 "\n",
                 j.header.uidvalidity, j.header.generation, j.header.mailbox_id,
                 j.header.checkpoint_end, size);
    if (journal_read(&j, sizeof(struct journal_header), size, print_record, NULL, &end) < 0 ||
        end != size)
        (void)printf("whole records end at %" PRIu64 "\n", end);
    journal_close(&j);
    return EXIT_SUCCESS;
}
