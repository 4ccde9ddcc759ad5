/*
 * posthorn/doctor_files.c - files and directories of the instance, its programs, the TLS
 * certificate, free disk space.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/role.h"
#include "lib/dkim/key_dir.h"
#include "lib/queue/queue_pressure.h"
#include "lib/sys/disk_level.h"
#include "posthorn/doctor.h"
#include "posthorn/store_places.h"

#define LOW_SPACE_PERCENT 5

/* ---- directories, files, programs ---- */

struct expectation {
    const char *path, *below;       /* below: a name in it, or "" */
    int owner;                      /* enum conf_id of a role; -1: root */
    mode_t forbidden, needed, type; /* type: S_IFDIR or S_IFREG */
    bool optional;
};

static uid_t
expected_uid(const struct doctor *d, int owner)
{
    struct role role = {0, 0};

    if (geteuid() != 0)
        return geteuid();
    if (owner >= 0 && role_find(d->conf, (enum conf_id)owner, &role) < 0)
        return (uid_t)-1; /* told by check_users */
    return role.uid;
}

static bool
judge_place(struct doctor *d, const struct expectation *e, const char *path, const struct stat *st)
{
    uid_t uid = expected_uid(d, e->owner);
    mode_t mode = st->st_mode & 07777;

    if ((st->st_mode & S_IFMT) != e->type)
        doctor_note(d, DOCTOR_FAIL, "files", "%s: is no %s", path,
                    e->type == S_IFDIR ? "directory" : "file");
    else if (uid != (uid_t)-1 && st->st_uid != uid)
        doctor_note(d, DOCTOR_FAIL, "files", "%s belongs to uid %u; it should be: chown %u %s",
                    path, st->st_uid, uid, path);
    else if ((mode & e->forbidden) != 0)
        doctor_note(d, DOCTOR_FAIL, "files",
                    "%s has mode %04o, which lets others in; it should be: chmod %04o %s", path,
                    mode, mode & ~e->forbidden, path);
    else if ((mode & e->needed) != e->needed)
        doctor_note(d, DOCTOR_FAIL, "files",
                    "%s has mode %04o, which keeps a service out; it should be: chmod %04o %s",
                    path, mode, mode | e->needed, path);
    else
        return true;
    return false;
}

static bool
check_place(struct doctor *d, const struct expectation *e)
{
    char *path = xasprintf("%s%s%s", e->path, e->below[0] != '\0' ? "/" : "", e->below);
    struct stat st;
    bool good;

    if (stat(path, &st) == 0) {
        good = judge_place(d, e, path, &st);
    } else {
        good = errno == ENOENT && e->optional;
        if (!good && errno == ENOENT && e->type == S_IFDIR)
            doctor_note(d, DOCTOR_FAIL, "files",
                        "%s is not there; it should be: mkdir %s, and then what doctor says next",
                        path, path);
        else if (!good)
            doctor_note(d, DOCTOR_FAIL, "files", "%s: %s", path, strerror(errno));
    }
    free(path);
    return good;
}

static void
check_users(struct doctor *d)
{
    for (int id = 0; geteuid() == 0 && role_find_bad(d->conf, d->services, &id); id++)
        doctor_note(d, DOCTOR_FAIL, "users", "users.%s: '%s' is no user for a service",
                    conf_settings[id].name, conf_str(d->conf, (enum conf_id)id));
}

static void
check_places(struct doctor *d)
{
    const struct instance *inst = &d->cli->inst;
    const struct expectation all[] = {
        {inst->etc, "", -1, 022, 0, S_IFDIR, false},
        {inst->etc, "certs", -1, 022, 0, S_IFDIR, false},
        {inst->etc, DKIM_DIR, -1, 027, 0700, S_IFDIR, true},
        {inst->conf_path, "", -1, 022, 0, S_IFREG, false},
        {inst->services_path, "", -1, 022, 0, S_IFREG, true},
        {inst->db, "", USERS_ACCOUNT, 077, 0700, S_IFDIR, false},
        {inst->db, "accounts.db", USERS_ACCOUNT, 077, 0600, S_IFREG, false},
        {inst->db, "alerts", USERS_ALERT, 077, 0700, S_IFDIR, true},
        {inst->archive, "", USERS_ARCHIVE, 077, 0700, S_IFDIR, false},
        {inst->log, "", USERS_LOG, 027, 0700, S_IFDIR, false},
        {inst->run, "", -1, 022, 0111, S_IFDIR, false},
        {inst->store, "", USERS_MAIL, 022, 0711, S_IFDIR, false},
        {inst->stores, "", USERS_MAIL, 022, 0711, S_IFDIR, true},
        {inst->queue, "", -1, 022, 0110, S_IFDIR, false},
        {inst->queue, "tmp", USERS_QUEUE, 0, 0300, S_IFDIR, false},
        {inst->queue, "new", USERS_QUEUE, 0, 0300, S_IFDIR, false},
        {inst->queue, "active", USERS_QUEUE, 07, 0700, S_IFDIR, false},
        {inst->queue, "deferred", USERS_QUEUE, 07, 0700, S_IFDIR, false},
        {inst->queue, "hold", USERS_QUEUE, 07, 0700, S_IFDIR, false},
        {inst->queue, "corrupt", USERS_QUEUE, 07, 0700, S_IFDIR, false},
    };
    size_t good = 0;

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        good += check_place(d, &all[i]);
    if (good == ARRAY_LEN(all))
        doctor_note(d, DOCTOR_OK, "files",
                    "all files and directories are there with their owners and modes");
}

static void
check_programs(struct doctor *d)
{
    for (size_t i = 0; i < d->services->count; i++) {
        char *path = xasprintf("%s/%s", d->cli->inst.libexec, d->services->rows[i].program);

        if (access(path, X_OK) < 0)
            doctor_note(d, DOCTOR_FAIL, "files", "%s: %s: is Posthorn installed whole?", path,
                        strerror(errno));
        free(path);
    }
}

/* ---- disk ---- */

/* `takes_mail`: the limits of [disk] hold there. */
static void
check_space(struct doctor *d, const char *path, bool takes_mail)
{
    struct disk_limits limits;
    enum disk_level level = DISK_ENOUGH;
    struct disk_room room;
    unsigned long long mib, percent;
    int fd = open(path, O_PATH | O_CLOEXEC);
    int rc = disk_room_of(fd, &room);

    close_keep_errno(fd);
    if (rc < 0 || room.total_bytes == 0)
        return; /* a missing directory has been told already */
    disk_limits_load(&limits, d->conf);
    if (takes_mail)
        level = disk_level_of(&limits, &room, DISK_ENOUGH);
    mib = room.bytes >> 20;
    percent = room.bytes / (room.total_bytes / 100 + 1);
    if (level == DISK_FULL || (takes_mail && room.bytes < conf_u64(d->conf, SMTP_MIN_FREE_SPACE)))
        doctor_note(d, DOCTOR_FAIL, "disk",
                    "%s: %llu MiB and %llu files free: no mail is taken before there is more than "
                    "disk.hard_limit and disk.hard_files",
                    path, mib, (unsigned long long)room.files);
    else if (level == DISK_LOW || percent < LOW_SPACE_PERCENT)
        doctor_note(d, DOCTOR_WARN, "disk", "%s: %llu MiB and %llu files free: little is left",
                    path, mib, (unsigned long long)room.files);
    else
        doctor_note(d, DOCTOR_OK, "disk", "%s: %llu MiB free (%llu%%)", path, mib, percent);
}

/* What smtpd was told last (lib/queue/queue_pressure.h). */
static void
check_intake(struct doctor *d)
{
    char *path = xasprintf("%s/trigger", d->cli->inst.queue);
    unsigned pressure = queue_pressure_read(path);

    free(path);
    if ((pressure & QUEUE_PRESSURE_LENGTH) != 0)
        doctor_note(d, DOCTOR_FAIL, "queue",
                    "more mail waits than queue.max_messages allows: smtpd takes none; "
                    "posthorn queue list shows what it waits for");
    else if ((pressure & QUEUE_PRESSURE_DISK) != 0)
        doctor_note(d, DOCTOR_FAIL, "queue", "smtpd takes no mail: a disk has too little room");
}

/* Renames must be atomic over a power cut (doc/queue.md): ext4 keeps that promise by its journal
 * alone, and one that was made without tells so in /sys. Others that have none are not known. */
static void
check_journal(struct doctor *d, const char *path, dev_t dev)
{
    char link[64], target[PATH_MAX];
    const char *device;
    char *file;
    FILE *f;
    ssize_t len;

    (void)snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(dev), minor(dev));
    len = readlink(link, target, sizeof(target) - 1);
    if (len < 0)
        return; /* no block device: nothing to say */
    target[len] = '\0';
    device = strrchr(target, '/') == NULL ? target : strrchr(target, '/') + 1;
    file = xasprintf("/sys/fs/ext4/%s/journal_task", device);
    f = fopen(file, "re");
    if (f != NULL && fgetc(f) == '<') /* "<none>", else a process id */
        doctor_note(d, DOCTOR_WARN, "disk",
                    "%s: this ext4 has no journal, so a power cut may lose mail; unmounted, "
                    "tune2fs -O has_journal makes one",
                    path);
    if (f != NULL)
        (void)fclose(f); /* only read from */
    free(file);
}

static void
check_storage(struct doctor *d)
{
    struct store_dir_info *list = xcalloc(STORE_DIRS_MAX, sizeof(*list));
    int count = store_places_list(&d->cli->inst, d->conf, list);

    for (int i = 0; i < count; i++) {
        char *path = store_place_path(&d->cli->inst, list[i].id);

        if (list[i].missing)
            doctor_note(d, DOCTOR_FAIL, "storage",
                        "%s is missing: %s is no storage directory of that name; is it mounted? "
                        "(a new one: posthorn store dirs --add %s)",
                        list[i].id, path, list[i].id);
        else if (list[i].full)
            doctor_note(d, DOCTOR_WARN, "storage", "%s is full: it gets no new mailboxes",
                        list[i].id);
        free(path);
    }
    xfree(&list);
}

void
doctor_files(struct doctor *d)
{
    const struct instance *inst = &d->cli->inst;
    enum { MAIL_PLACES = 2 }; /* the first ones */
    const char *const places[] = {inst->queue, inst->store, inst->db, inst->archive, inst->log};
    dev_t seen[ARRAY_LEN(places)] = {0};
    size_t seen_count = 0;

    check_users(d);
    check_places(d);
    check_programs(d);
    check_storage(d);
    check_intake(d);
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        struct stat st;
        bool again = false;

        if (stat(places[i], &st) < 0)
            continue;
        for (size_t k = 0; k < seen_count; k++)
            again = again || seen[k] == st.st_dev;
        if (again) /* one file system is told once */
            continue;
        seen[seen_count++] = st.st_dev;
        check_space(d, places[i], i < MAIL_PLACES);
        check_journal(d, places[i], st.st_dev);
    }
}
