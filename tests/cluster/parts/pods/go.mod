// The program behind every pod: answers on the pods' own addresses; the standard library only.
module progressive.delivery/cluster/pods

go 1.25.0
