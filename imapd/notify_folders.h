/*
 * imapd/notify_folders.h - what NOTIFY tells of folders that are not selected (RFC 5465 section 5).
 *
 * Keeps what the client was told last of each folder that it named; watches the folders whose
 * messages it wants to know of, and the lists of folders.
 */
#ifndef POSTHORN_IMAPD_NOTIFY_FOLDERS_H
#define POSTHORN_IMAPD_NOTIFY_FOLDERS_H

#include "imapd/notify_args.h"
#include "imapd/session.h"
#include "lib/store/watch.h"

struct notify_folder {
    const char *name; /* in notify_folders.names */
    unsigned events;
    int number;               /* of the watch; -1: none */
    bool exists, subscribed;  /* as the client was told */
    bool check;               /* it may have changed */
    struct mailbox_info told; /* all zero: nothing is known */
};

/* A change of a folder by this session. */
struct notify_own {
    char *name;
    enum notify_event event;
};

struct notify_folders {
    const struct notify_args *args;
    struct watch *watch;       /* borrowed */
    uint32_t max;              /* of folders */
    struct notify_folder *all; /* by name, in the order of strcmp */
    struct arena names;
    uint32_t count;
    int *lists; /* numbers of the watch */
    unsigned list_count;
    int *annotations; /* the same, in the same number, if annotations are wanted */
    bool annotations_changed;
    bool any_check;
    bool blind;             /* something cannot be watched, and is looked at every few seconds */
    int64_t look_ms;        /* when that is due; monotonic */
    int64_t refresh_ms;     /* when the folders are listed again; INT64_MAX: not now */
    struct notify_own *own; /* since the folders were listed last */
    unsigned own_count;
};

/* Watches and lists what `args` names, and tells what NOTIFY SET tells at once. 0, or -1 with
 * errno: EOVERFLOW, EMFILE or ENFILE, it is too much. notify_folders_free in any case. */
int notify_folders_begin(struct session *s, struct notify_folders *f);
void notify_folders_free(struct notify_folders *f);

/* The watch has named this number, which may be of no folder. */
void notify_folders_wake(struct notify_folders *f, int number);
/* Tells what is due. 0, or -1 as above. */
int notify_folders_tell(struct session *s, struct notify_folders *f);
/* When notify_folders_tell has something to do without a wake; INT64_MAX: never. */
int64_t notify_folders_due_ms(const struct notify_folders *f);

/* This session itself has put messages into the folder; made, removed, renamed or subscribed it;
 * does not have it selected any more, and `info` is what the client knows of it. */
void notify_folders_arrived(struct notify_folders *f, struct slice name,
                            const struct mailbox_uids *uids);
void notify_folders_own(struct notify_folders *f, struct slice name, enum notify_event event);
void notify_folders_left(struct notify_folders *f, struct slice name,
                         const struct mailbox_info *info);

/* ---- for imapd/notify_names.c ---- */
bool notify_folders_is_selected(const struct session *s, const char *name);
/* Figures of a folder. 0, or -1 with errno. */
int notify_folders_look(struct session *s, const char *name, struct mailbox_info *info);
/* Watches the messages of a folder, if they are wanted and it can be read. 0, or -1: EMFILE,
 * ENFILE.
 */
int notify_folders_watch(struct session *s, struct notify_folders *f, struct notify_folder *folder);
/* The folders need to be listed again, soon. */
void notify_folders_stale(struct notify_folders *f);
struct notify_folder *notify_folders_find(const struct notify_folders *f, struct slice name);

#endif
