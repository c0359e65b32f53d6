/* See postfix_apply.h. */
#include "config.h"

#include "ctl/postfix_apply.h"

#include "base/mem.h"
#include "ctl/postfix_list.h"

#include <stdlib.h>
#include <string.h>

/* What the plan adds, on top of what an earlier run added. */
static void remember(const struct postfix_plan *plan, struct postfix_record *record)
{
    struct postfix_addition *addition;
    int i;

    for (i = 0; i < POSTFIX_PARAMETERS; i++) {
        addition = &record->additions[i];
        if (!plan->changes[i].value || addition->added)
            continue;
        *addition = (struct postfix_addition){1, plan->postfix->values[i].set,
                                              xstrdup(plan->changes[i].item)};
    }
}

static int edit_all(const struct postfix_plan *plan, struct error *error)
{
    struct postfix_setting settings[POSTFIX_PARAMETERS] = {0};
    int i;

    for (i = 0; i < POSTFIX_PARAMETERS; i++)
        if (plan->changes[i].value)
            settings[i] = (struct postfix_setting){postfix_parameter_name(i),
                                                   plan->changes[i].value};
    if (postfix_edit(plan->postfix->directory, settings, error))
        return -1;
    return pickup_apply(plan->postfix, &plan->pickup, error);
}

/* Reads back: what Postfix understands now must need no further change. */
static int verify(const struct postfix_plan *plan, struct error *error)
{
    struct postfix_plan now;
    size_t missing;

    if (postfix_plan_make(plan->postfix->directory, plan->place.listens, &now, error))
        return -1;
    missing = now.change_count;
    postfix_plan_clear(&now);
    return missing ? error_set(error, ERROR_ENVIRONMENT, "Postfix does not take the new values")
                   : 0;
}

/* 0 if all is as it was. */
static int restore_all(const struct postfix_plan *plan)
{
    struct error ignored;
    int i, result = 0;

    for (i = 0; i < POSTFIX_FILES; i++)
        if (postfix_plan_changes(plan, i) &&
            postfix_restore(plan->postfix->directory, i, &ignored))
            result = -1;
    return result;
}

/* What is there of each file before the first edit. Changed again, because something was
 * missing, it is not what was before us: it gets no hash, so --remove edits instead. */
static int back_up(const struct postfix_plan *plan, struct postfix_record *record,
                   int first[POSTFIX_FILES], struct error *error)
{
    int i;

    for (i = 0; i < POSTFIX_FILES; i++) {
        first[i] = postfix_plan_changes(plan, i) && !record->files[i].changed;
        if (!postfix_plan_changes(plan, i))
            continue;
        record->files[i] = (struct postfix_file_state){.changed = 1};
        if (postfix_backup(plan->postfix->directory, i, error))
            return -1;
    }
    return 0;
}

/* The record is on disk before the first edit, so that --remove works whenever
 * this is interrupted. */
static int edit_recorded(const struct postfix_plan *plan, struct postfix_record *record,
                         int again, struct error *error)
{
    const char *directory = plan->postfix->directory;
    int first[POSTFIX_FILES], i;
    struct error ignored;

    if (back_up(plan, record, first, error) || postfix_record_write(directory, record, error))
        return -1;
    if (edit_all(plan, error) || verify(plan, error)) {
        if (!restore_all(plan) && !again)
            (void)!postfix_record_delete(directory, &ignored);
        return -1;
    }
    for (i = 0; i < POSTFIX_FILES; i++)
        if (first[i] && postfix_hash(directory, i, record->files[i].after, error))
            return -1;
    return postfix_record_write(directory, record, error);
}

int postfix_apply(const struct postfix_plan *plan, struct error *error)
{
    struct postfix_record record;
    int found = postfix_record_read(plan->postfix->directory, &record, error);
    int result = -1;

    if (found >= 0) {
        remember(plan, &record);
        result = edit_recorded(plan, &record, found, error);
    }
    postfix_record_clear(&record);
    return result;
}

/* The parameter without our item; unset again if it was and nothing else came
 * in. The text, if there is one, to be freed. */
static char *take_back(const struct postfix_value *now, const struct postfix_addition *addition,
                       const char *name, struct postfix_setting *setting_r)
{
    char *rest;

    if (!addition->added || !now->set || !list_has(now->raw, addition->item))
        return NULL;
    rest = list_without(now->raw, addition->item);
    *setting_r = (struct postfix_setting){name, rest};
    if (!rest[strspn(rest, " ,\t")] && !addition->was_set)
        setting_r->value = NULL;
    return rest;
}

static int take_all_back(const struct postfix *postfix, const struct postfix_record *record,
                         struct error *error)
{
    struct postfix_setting settings[POSTFIX_PARAMETERS] = {0};
    char *texts[POSTFIX_PARAMETERS];
    int i, result;

    for (i = 0; i < POSTFIX_PARAMETERS; i++)
        texts[i] = take_back(&postfix->values[i], &record->additions[i],
                             postfix_parameter_name(i), &settings[i]);
    result = postfix_edit(postfix->directory, settings, error);
    for (i = 0; i < POSTFIX_PARAMETERS; i++)
        free(texts[i]);
    return result;
}

/* 1 if the file is byte for byte what --apply left. */
static int untouched(const char *directory, const struct postfix_record *record,
                     enum postfix_file file)
{
    char hash[17];
    struct error ignored;

    return *record->files[file].after && !postfix_hash(directory, file, hash, &ignored) &&
           !strcmp(hash, record->files[file].after);
}

static int undo_file(const struct postfix *postfix, const struct postfix_record *record,
                     enum postfix_file file, struct error *error)
{
    struct error ignored;

    if (!record->files[file].changed ||
        (untouched(postfix->directory, record, file) &&
         !postfix_restore(postfix->directory, file, &ignored)))
        return 0;
    return file == POSTFIX_MAIN ? take_all_back(postfix, record, error)
                                : pickup_take_back(postfix, error);
}

int postfix_undo(const struct postfix *postfix, const struct postfix_record *record,
                 struct error *error)
{
    if (record->files[POSTFIX_MASTER].changed && pickup_check_unused(postfix, error))
        return -1;
    if (undo_file(postfix, record, POSTFIX_MAIN, error) ||
        undo_file(postfix, record, POSTFIX_MASTER, error))
        return -1;
    return postfix_record_delete(postfix->directory, error);
}
