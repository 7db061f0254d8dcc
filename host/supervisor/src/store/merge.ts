import { inspectCopy } from "./copy.ts";
import { Database } from "./database.ts";

/**
 * Takes up a copy while the supervisor runs: commands and lines of the audit log that are missing here are added, and
 * nothing that is known here is forgotten. Ids of commands in the copy cannot run again; those that had not ended there
 * are `unknown`. Numbers only grow. Leases are left to the caller: theirs are the holders of now.
 */
export function mergeCopy(database: Database, file: string): { commands: number; audit: number } {
  inspectCopy(file);
  // An older copy gets the columns of now.
  new Database(file).close();
  return database.withAttached(file, () => {
    const count = (table: string): number => database.count(table);
    const before = { commands: count("commands"), audit: count("audit") };
    database.transaction(() =>
      database.execute(`
        insert or ignore into commands (key, accepted_seq, at, user, source, kind, name, feature, args, lease, fence, status, result)
          select key, accepted_seq, at, user, source, kind, name, feature, args, lease, fence,
            case status when 'accepted' then 'unknown' else status end,
            case status when 'accepted' then json_object('status', 'unknown', 'code', 'outcome_unknown',
              'message', 'the command ran when the copy was made') else result end
          from other.commands as c where not exists (
            select 1 from main.commands as m where m.at = c.at and m.accepted_seq is c.accepted_seq and m.name = c.name)
          order by id;
        create temp table lines as
          select * from other.audit union
          select * from main.audit as m where not exists (
            select 1 from other.audit as o where o.at = m.at and o.action = m.action and o.target is m.target);
        delete from main.audit;
        insert into main.audit select row_number() over (order by at, id), at, user, role, source, origin, action,
          target, args, lease, accepted_seq, status, code, message, fence from lines;
        drop table lines;
        insert into numbers select name, value from other.numbers where true
          on conflict (name) do update set value = max(value, excluded.value);`),
    );
    return { commands: count("commands") - before.commands, audit: count("audit") - before.audit };
  });
}
