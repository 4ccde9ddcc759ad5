/*
 * posthorn/orphan_notes.h - users' private annotations of mailboxes that are gone.
 *
 * A guest's notes about a folder lie in his own store, and nobody who removes the folder reaches
 * them there. Who looks through all stores knows all ids of folders, and so which notes are about
 * none. Doubt keeps a note: if one store could not be looked through, none is an orphan, and
 * neither is one that was changed in the day before the look, or during it.
 */
#ifndef POSTHORN_POSTHORN_ORPHAN_NOTES_H
#define POSTHORN_POSTHORN_ORPHAN_NOTES_H

#include "posthorn/store_job.h"

struct orphan_notes;

struct orphan_notes *orphan_notes_new(void);
void orphan_notes_free(struct orphan_notes **notesp);

/* ---- in the child of one user's job ---- */
/* Before the notes, and again with them: a folder that is just being renamed is in one of them. */
void orphan_notes_send_folders(int mail_fd, struct store_job_output *out);
void orphan_notes_send(const struct orphan_notes *notes, int mail_fd, struct store_job_output *out);

/* ---- in the parent ---- */
/* True: the row was one of the above. */
bool orphan_notes_take(struct orphan_notes *notes, const struct store_user *user,
                       const struct object_field *fields, uint32_t count);
/* That user's store was not looked through. */
void orphan_notes_incomplete(struct orphan_notes *notes);
/* When all have been looked through: calls each() for every orphan, after it is removed if `remove`
 * says so. CLI_OK, or CLI_FAILED after the message. */
int orphan_notes_finish(struct orphan_notes *notes, struct cli *cli, const struct conf *conf,
                        bool remove,
                        void (*each)(void *arg, const struct store_user *user, const char *id),
                        void *arg);

#endif
