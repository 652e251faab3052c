// Why the authority refuses something, for people.

import { GroupRefusal } from './messages';

/** A sentence that names the cure, if there is one. */
export function refusalText(why: GroupRefusal): string {
  switch (why) {
    case GroupRefusal.Unknown:
      return 'the server refuses for a reason that this page does not know; reload it';
    case GroupRefusal.NoGroup:
      return 'no program has begun this structure yet';
    case GroupRefusal.Name:
      return 'a name has 1 to 64 characters of a-z 0-9 . _ - /';
    case GroupRefusal.Schema:
      return 'others share another type under this name; use the same type, or another name';
    case GroupRefusal.TooLarge:
      return 'too many bytes at once; make the changes in smaller parts';
    case GroupRefusal.Full:
      return "the structure's log is full until a program keeps its value";
    case GroupRefusal.TooManyGroups:
      return 'the server has no room for another structure';
    case GroupRefusal.TooManyWriters:
      return 'so many write to this structure that the server has no room for another one';
    case GroupRefusal.NotAllowed:
      return 'pages may not share this structure; start the server with --share and its name';
    case GroupRefusal.NotAMark:
    case GroupRefusal.NotInTheLog:
    case GroupRefusal.TooOld:
    case GroupRefusal.WrongHash:
    case GroupRefusal.Barred:
      return 'the server refuses to keep a value, which pages never ask of it; reload the page';
  }
}
