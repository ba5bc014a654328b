package verdict

// HostRoom is how many of a machine's cores the gateway and both ends may use together
// before they wait for each other and a trial is degraded (HostFull).
func HostRoom(cores int) float64 { return hostShare * float64(cores) }
