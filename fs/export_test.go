package fs

// LimitNodes replaces how many nodes a view may have.
func (s *Server) LimitNodes(soft, hard int) { s.nodes.Limit(soft, hard) }
