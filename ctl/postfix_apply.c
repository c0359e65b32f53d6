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
    *record->after = '\0';
}

static int edit_all(const struct postfix_plan *plan, struct error *error)
{
    struct postfix_setting settings[POSTFIX_PARAMETERS] = {0};
    int i;

    for (i = 0; i < POSTFIX_PARAMETERS; i++)
        if (plan->changes[i].value)
            settings[i] = (struct postfix_setting){postfix_parameter_name(i),
                                                   plan->changes[i].value};
    return postfix_edit(plan->postfix->directory, settings, error);
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

/* The record is on disk before the first edit, so that --remove works whenever
 * this is interrupted. Applied again, because something was missing, the copy of
 * main.cf is not of the first time's before: no hash, so --remove edits instead. */
static int edit_recorded(const struct postfix_plan *plan, struct postfix_record *record,
                         int again, struct error *error)
{
    const char *directory = plan->postfix->directory;
    struct error ignored;

    if (postfix_backup(directory, error) || postfix_record_write(directory, record, error))
        return -1;
    if (edit_all(plan, error) || verify(plan, error)) {
        if (!postfix_restore(directory, &ignored) && !again)
            (void)!postfix_record_delete(directory, &ignored);
        return -1;
    }
    if (!again && postfix_main_hash(directory, record->after, error))
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

/* 1 if main.cf is byte for byte what --apply left. */
static int untouched(const char *directory, const struct postfix_record *record)
{
    char hash[17];
    struct error ignored;

    return *record->after && !postfix_main_hash(directory, hash, &ignored) &&
           !strcmp(hash, record->after);
}

int postfix_undo(const struct postfix *postfix, const struct postfix_record *record,
                 struct error *error)
{
    struct error ignored;

    if (untouched(postfix->directory, record) && !postfix_restore(postfix->directory, &ignored))
        return postfix_record_delete(postfix->directory, error);
    if (take_all_back(postfix, record, error))
        return -1;
    return postfix_record_delete(postfix->directory, error);
}
