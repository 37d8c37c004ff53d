"""Who a person is: conditions, measures, what excludes and bounds, and the gate before any plan."""
