import type { OnTrainEvent } from '../train/events.ts';
import type { Display } from './display.ts';

/** Shows what a training tells. */
export function showEvents(display: Display): OnTrainEvent {
  return (event) => {
    switch (event.kind) {
      case 'progress':
        return display.progress(event.progress);
      case 'heading':
        return display.heading(event.text);
      case 'note':
        return display.note(event.text);
      case 'warning':
        return display.warn(event.text);
      case 'table':
        return display.table(event.title, event.headers, event.rows);
      case 'epoch':
        return display.epoch(event.report);
    }
  };
}
